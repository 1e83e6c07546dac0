import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { openLedger } from '@kudurru/native';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { Scenario, scenarioTimeoutMs } from './scenario.ts';

describe('a first start that was interrupted', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;

  beforeEach(async () => {
    scenario = await Scenario.prepare();
  });
  afterEach(() => scenario.end());

  it('is begun anew where it left an empty journal', async () => {
    const ledgerId = new Uint8Array(randomBytes(32));
    const begun = await openLedger({ folder: scenario.appliance.state, ledgerId });
    await begun.release();
    await scenario.appliance.start();
    assert.equal((await scenario.entriesOf('genesis')).length, 1);
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('ends in order when it is told to stop before it is ready', async () => {
    const daemon = scenario.appliance.launch();
    await scenario.until(async () => daemon.log.includes('founding a ledger'));
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    await scenario.requireWhole();
  });
});
