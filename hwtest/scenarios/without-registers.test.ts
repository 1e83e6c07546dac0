/** A ledger that was founded before anchors extended anything goes on as it is. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import { verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { checkedJson, checkedJsonText } from '../../daemon/src/base/checked-json.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

const options = { flags: ['--anchor-interval-ms', '100'] };

describe('a ledger founded without anchor PCR and extend index', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;

  before(async () => {
    scenario = await Scenario.prepare();
    // The TPM is provisioned and the token is not: so the founding can be made an older one.
    const flags = ['--pkcs11-module', '/nowhere.so'];
    await assert.rejects(scenario.appliance.launch({ flags }).ready, /device-missing/u);
    const stored = join(scenario.appliance.state, 'devices', 'tpm-keys', 'tpm.json');
    const { extendPublic, pcrIndex, ...older } = checkedJson(readFileSync(stored, 'utf8'));
    assert.deepEqual([typeof extendPublic, pcrIndex], ['string', 14]);
    writeFileSync(stored, checkedJsonText({ ...older, version: 1 }));
    await scenario.appliance.start(options);
    enrolled = await scenario.enrol('older');
  });
  after(() => scenario.end());

  async function requireProven(): Promise<void> {
    await using agent = await connect({
      socketPath: scenario.appliance.agentSocket,
      ...enrolled,
    });
    const { actions } = await agent.submit([someAction('proven')], { level: 'anchored' });
    const bundle = await scenario.bundle(actions[0]?.index ?? assert.fail('no action'));
    const { overall, checks } = await verify(bundle, await scenario.policy());
    assert.equal(overall, 'VALID', JSON.stringify(checks));
  }

  it('is anchored by counter and clock', async () => {
    await requireProven();
    assert.equal((await scenario.status()).anchor.pcr, null);
    const anchors = await scenario.entriesOf('counter-anchor');
    assert.ok(anchors.length > 0);
    for (const entry of anchors) {
      assert(entry.kind === 'counter-anchor');
      assert.deepEqual([entry.quote, entry.extend], [null, null]);
    }
  });

  it('goes on after a stop, a kill and resets of its TPM', async () => {
    await scenario.appliance.daemon.stop();
    await scenario.appliance.start(options);
    await requireProven();
    await scenario.appliance.devices.tpm.powerCycle(false);
    await requireProven();
    await scenario.appliance.daemon.kill();
    await scenario.appliance.devices.tpm.powerCycle(true);
    await scenario.appliance.start(options);
    await requireProven();
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('is not given a PCR later', async () => {
    const flags = ['--anchor-pcr', '14'];
    const refused = scenario.appliance.launch({ flags }).ready;
    await assert.rejects(refused, /config-invalid.*anchorPcr.*founded with .*none/u);
  });
});
