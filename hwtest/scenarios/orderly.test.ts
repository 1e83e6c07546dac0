import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Agent } from '@kudurru/agent';
import { verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { isGone } from '../backends/process-state.ts';
import { startSwtpm, type RunningSwtpm } from '../backends/swtpm.ts';
import { Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

describe('starts, stops and the device helper', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let agent: Agent;
  let newTpm: RunningSwtpm | null = null;

  before(async () => {
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('steady');
    agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
  });
  after(async () => {
    agent.destroy();
    await scenario.appliance.stop();
    await newTpm?.stop();
    await scenario.end();
  });

  it('answers what was received before a stop, and goes on with the session after it', async () => {
    const before = agent.sessionId;
    const submitted = Array.from({ length: 20 }, (_, turn) =>
      agent.submit([someAction(`before or after ${turn}`)]),
    );
    assert.deepEqual(await scenario.appliance.daemon.stop(), { code: 0, signal: null });
    await scenario.appliance.start();
    const receipts = await Promise.all(submitted);
    const sequences = receipts.map(({ actions }) => Number(actions[0].reference.sequence));
    assert.deepEqual(
      sequences,
      Array.from({ length: 20 }, (_, turn) => turn),
    );
    assert.deepEqual(agent.sessionId, before);
  });

  it('notes a stop as an entry, and no unclean start after it', async () => {
    assert.equal((await scenario.entriesOf('stop')).length, 1);
    assert.deepEqual(await scenario.entriesOf('unclean-start'), []);
    assert.equal((await scenario.entriesOf('boot')).length, 2);
  });

  it('takes the device helper with it when it is killed', async () => {
    const { daemon } = scenario.appliance;
    const helper = helperOf(daemon.pid);
    await daemon.kill();
    assert.ok(await isGone(helper));
    await scenario.appliance.start();
    await agent.submit([someAction('after the kill')]);
    assert.equal((await scenario.entriesOf('unclean-start')).length, 1);
  });

  it('commits on while the helper is gone under load, alarms once, and catches up', async () => {
    const { daemon, devices } = scenario.appliance;
    const helper = helperOf(daemon.pid);
    // Without its TPM a new helper cannot anchor either.
    await devices.tpm.stop();
    process.kill(helper, 'SIGKILL');
    assert.ok(await isGone(helper));
    let last = await agent.submit([someAction('the helper is gone')]);
    await scenario.until(async () => {
      last = await agent.submit([someAction('still gone')]);
      return (await scenario.entriesOf('alarm')).length > 0;
    });
    const missed = last.actions[0].index;
    const { anchor } = await scenario.status();
    assert.ok(BigInt(anchor.size) <= missed);
    newTpm = await startSwtpm(join(scenario.appliance.state, 'devices'));
    const verdict = await verify(await scenario.bundle(missed), await scenario.policy());
    assert.equal(verdict.overall, 'VALID');
    assert.equal((await scenario.entriesOf('alarm')).length, 1);
    assert.notEqual(helperOf(daemon.pid), helper);
  });

  it('stops in order after all that, and leaves files that are whole', async () => {
    assert.deepEqual(await scenario.appliance.daemon.stop(), { code: 0, signal: null });
    await scenario.requireWhole();
  });
});

/** The daemon's child that runs the device helper's program; there is one. */
function helperOf(daemonPid: number): number {
  const children = readdirSync(`/proc/${daemonPid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${daemonPid}/task/${thread}/children`, 'ascii').split(' ').filter(Boolean),
  );
  const [helper, ...others] = children.filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('devices/main.ts'),
  );
  assert.ok(helper !== undefined && others.length === 0, `children: ${children.join(' ')}`);
  return Number(helper);
}
