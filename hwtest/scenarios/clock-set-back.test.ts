import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import { LEAP_TABLE, taiMinusUtcSeconds, type Entry } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import type { DaemonOptions } from '../backends/appliance.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { Clocks, type LabClock } from '../lab/clocks.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

const secondNs = 1_000_000_000n;

/** On a clock of its own: the machine's is not set. Each test goes on from the one before. */
describe('a system clock that is set back between two runs', function () {
  this.timeout(scenarioTimeoutMs);
  let folder: string;
  let clocks: Clocks;
  let clock: LabClock;
  let scenario: Scenario;
  let clerk: EnrolledAgent;
  let options: DaemonOptions;
  let last: Entry;

  before(async () => {
    folder = makeScratchFolder();
    const utcNs = BigInt(Date.now()) * 1_000_000n;
    const ahead = BigInt(taiMinusUtcSeconds(utcNs, LEAP_TABLE));
    clocks = await Clocks.make(join(folder, 'clocks'), utcNs + ahead * secondNs, ahead);
    clock = await clocks.newClock({ scale: 'utc' });
    options = { environment: clock.environment };
    scenario = await Scenario.start(options);
    clerk = await scenario.enrol('clerk');
    last = await act();
    await scenario.appliance.daemon.stop();
  });
  after(async () => {
    await scenario.end();
    await clocks.end();
    rmSync(folder, { recursive: true });
  });

  it('waits at the last entry where it is a little behind', async () => {
    // More than a run takes, less than is refused: every entry of it waits.
    await clock.step(-9n * secondNs);
    await scenario.appliance.start(options);
    const held = await act();
    assert(held.time.taiNs >= last.time.taiNs);
    assert.equal(held.time.level, 'UNKNOWN');
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
    last = held;
  });

  it('refuses to start where it is far behind', async () => {
    await clock.step(-3600n * secondNs);
    await assert.rejects(scenario.appliance.start(options), /clock-behind/u);
  });

  it('goes on when it is set right', async () => {
    await clock.step(3609n * secondNs);
    await scenario.appliance.start(options);
    const { time } = await act();
    assert(time.taiNs > last.time.taiNs);
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  async function act(): Promise<Entry> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...clerk });
    const { actions } = await agent.submit([someAction('timed')]);
    return scenario.entry(actions[0]?.index ?? 0n);
  }
});
