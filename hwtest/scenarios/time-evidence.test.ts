import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import {
  decodeAnyTimeEvidence,
  decodeSourcedTimeEvidence,
  formatTimeProfile,
  verify,
  type Entry,
} from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import type { DaemonOptions } from '../backends/appliance.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { labProfile, ptpSource } from '../drill/lab-profile.ts';
import { Lab, labRefusal } from '../lab/lab.ts';
import type { Grandmaster } from '../lab/grandmaster.ts';
import { kudurru } from './kudurru.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

const refusal = labRefusal();
const secondNs = 1_000_000_000n;
const asleepNs = 40n * secondNs;

describe(`time by a live ptp4l${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let lab: Lab;
  let grandmaster: Grandmaster;
  let clerk: EnrolledAgent;

  beforeEach(async function () {
    if (refusal !== null) this.skip();
    folder = makeScratchFolder();
    lab = await Lab.make();
    grandmaster = await lab.grandmaster({ name: 'grandmaster' });
    await Promise.all([grandmaster.start(), lab.client.start()]);
    await lab.client.untilPortState('SLAVE');
    makeOperatorKey(folder, 'ana');
    scenario = await Scenario.prepare();
    await command(['provision', '--operator', 'ana=ana.pub']);
  });
  afterEach(async () => {
    if (refusal !== null) return;
    await scenario.end();
    await lab.end();
    rmSync(folder, { recursive: true });
  });

  it('is in every entry, computed again by a reader, and sinks by itself', async () => {
    const options = startOptions();
    await scenario.appliance.start(options);
    clerk = await scenario.enrol('clerk');
    assert.equal((await entryOf(await act())).time.level, 'UNKNOWN');
    await orderProfile();
    const locked = await actUntil('LOCKED');
    const { time } = await entryOf(locked);
    assert(time.statisticalNs !== null && time.adversarialNs !== null);
    assert(time.timeEvidenceIndex !== null);
    const evidence = decodeSourcedTimeEvidence(
      evidenceOf(await scenario.entry(time.timeEvidenceIndex)),
    );
    assert.deepEqual(
      evidence.verdicts.map(({ state }) => state),
      ['healthy'],
    );
    const policy = { ...(await scenario.policy()), minimumTimeLevel: 'LOCKED' } as const;
    const verdict = await verify(await scenario.bundle(locked), policy);
    const failed = verdict.checks.filter(({ outcome }) => outcome !== 'pass');
    assert.equal(verdict.overall, 'VALID', JSON.stringify(failed));
    await grandmaster.ptp4l.kill();
    const held = await actUntil('HOLDOVER');
    const later = (await entryOf(held)).time;
    assert(later.taiNs >= time.taiNs);
    assert((later.adversarialNs ?? 0n) > 0n);
    const sunk = await verify(await scenario.bundle(held), await scenario.policy());
    assert.equal(sunk.overall, 'VALID');
    await scenario.until(async () => (await levelsTold()).has('HOLDOVER'));
    assert((await levelsTold()).has('LOCKED'));
    await scenario.appliance.daemon.stop();
    await scenario.appliance.start(options);
    assert((await entryOf(await act())).time.taiNs >= later.taiNs);
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('claims nothing after a suspend until sources speak, and tells that it was set', async () => {
    await scenario.appliance.start(startOptions());
    clerk = await scenario.enrol('clerk');
    await orderProfile();
    await actUntil('LOCKED');
    const before = await entryOf(await actUntil('LOCKED'));
    await requireTruth(before);
    // However slow this machine is, nothing is locked to before it is asked.
    await lab.client.kill();
    await lab.clocks.suspend(asleepNs);
    const woken = await entryOf(await act());
    assert.equal(woken.time.level, 'UNKNOWN');
    assert.equal(woken.time.timeEvidenceIndex, null);
    assert(woken.time.taiNs - before.time.taiNs > asleepNs);
    await scenario.until(async () => (await causesTold()).has('suspended'));
    await lab.client.start();
    const again = await actUntil('LOCKED');
    await requireTruth(await entryOf(again));
    const verdict = await verify(await scenario.bundle(again), await scenario.policy());
    assert.equal(verdict.overall, 'VALID');
    // With a ptp4l it would be set back before anybody looks.
    await lab.client.kill();
    await lab.clientClock.step(secondNs);
    await scenario.until(async () => (await causesTold()).has('clock-set'));
    const set = await entryOf(await act());
    await requireTruth(set);
    await scenario.appliance.daemon.stop();
    assert.match(scenario.appliance.daemon.log, /clock-set/);
    assert.match(scenario.appliance.daemon.log, /suspended/);
    await scenario.requireWhole();
  });

  function startOptions(): DaemonOptions {
    const file = join(folder, 'kudurru.toml');
    writeFileSync(file, `[time.sources.ptp]\nsocket = "${lab.client.socket}"\nintervalMs = 250\n`);
    return { flags: ['--config', file], environment: lab.clientClock.environment };
  }

  /** The truth is in the adversarial window. */
  async function requireTruth({ time }: Entry): Promise<void> {
    const truthNs = lab.clocks.truthAt(time.monotonicRawNs);
    const offNs = truthNs > time.taiNs ? truthNs - time.taiNs : time.taiNs - truthNs;
    assert(time.adversarialNs !== null && offNs <= time.adversarialNs, `${offNs}`);
  }

  async function causesTold(): Promise<ReadonlySet<string>> {
    const told = (await scenario.entriesOf('time-evidence')).map(evidenceOf);
    return new Set(told.map((evidence) => decodeSourcedTimeEvidence(evidence).cause));
  }

  /** Of all evidence in the log: a change is told by an entry of its own, or by an anchor. */
  async function levelsTold(): Promise<ReadonlySet<string>> {
    const entries: Entry[] = [];
    for (const kind of ['time-evidence', 'anchor', 'counter-anchor'] as const) {
      entries.push(...(await scenario.entriesOf(kind)));
    }
    const told = entries.map(evidenceOf).map(decodeAnyTimeEvidence);
    return new Set(told.flatMap((each) => (each.version === 2 ? [each.segment.level] : [])));
  }

  async function orderProfile(): Promise<void> {
    const profile = labProfile([await ptpSource({ client: lab.client, grandmaster })]);
    writeFileSync(join(folder, 'profile.json'), formatTimeProfile(profile));
    await command(['time', 'profile', 'order', 'profile.json', '-o', 'time.order']);
    const words = ['-q', '-Y', 'sign', '-n', 'kudurru', '-f', 'ana', 'time.order'];
    execFileSync('ssh-keygen', words, { cwd: folder, stdio: 'ignore' });
    await command(['time', 'profile', 'activate', '--authorisation', 'time.order.sig']);
  }

  async function act(): Promise<bigint> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...clerk });
    const { actions } = await agent.submit([someAction('timed')]);
    return actions[0]?.index ?? 0n;
  }

  async function actUntil(level: string): Promise<bigint> {
    let index = 0n;
    await scenario.until(async () => {
      index = await act();
      return (await entryOf(index)).time.level === level;
    });
    return index;
  }

  function entryOf(index: bigint): Promise<Entry> {
    return scenario.entry(index);
  }

  async function command(words: readonly string[]): Promise<void> {
    const all = [...words, '--state', scenario.appliance.state];
    const { code, stderr } = await kudurru(all, { currentFolder: folder });
    assert.equal(code, 0, stderr);
  }
});

function evidenceOf(entry: Entry): Uint8Array {
  assert('evidence' in entry);
  return entry.evidence;
}
