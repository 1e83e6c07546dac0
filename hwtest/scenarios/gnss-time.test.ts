/** The whole way from a receiver's line to a reader's verdict, with a pulled plug in between. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import {
  decodeAnyTimeEvidence,
  taiOfUtc,
  verify,
  type Entry,
  type SourceProblem,
  type TimeLevel,
  type TimeSource,
} from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import {
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  SCRIPTED_RECEIVER_ID,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { Commissioned } from '../drill/commissioned.ts';
import { labProfile } from '../drill/lab-profile.ts';
import { Clocks } from '../lab/clocks.ts';
import { GnssReceiver, RECEIVER_LATENCY_MAX_NS } from '../lab/gnss-receiver.ts';
import { labRefusal } from '../lab/lab.ts';
import { scenarioTimeoutMs, someAction, type Scenario } from './scenario.ts';

const refusal = labRefusal();
const roof: TimeSource = {
  id: 'roof',
  kind: 'gnss',
  label: 'emulated',
  group: 'gnss',
  pins: {
    receiverId: SCRIPTED_RECEIVER_ID,
    survey: {
      latitudeE7: SCRIPTED_LATITUDE_E7,
      longitudeE7: SCRIPTED_LONGITUDE_E7,
      radiusMetres: 50,
    },
    satellitesMin: 4,
    accuracyNs: 1_000_000n,
    latencyMaxNs: RECEIVER_LATENCY_MAX_NS,
    pulse: false,
    monitored: true,
  },
};

describe(`time by a GNSS receiver${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(scenarioTimeoutMs);
  let folder: string;
  let clocks: Clocks;
  let receiver: GnssReceiver;
  let commissioned: Commissioned;
  let scenario: Scenario;
  let clerk: EnrolledAgent;

  beforeEach(async function () {
    if (refusal !== null) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'kudurru-roof-'));
    const taiNs = taiOfUtc(BigInt(Date.now()) * 1_000_000n);
    clocks = await Clocks.make(join(folder, 'clocks'), taiNs, 37n);
    receiver = await GnssReceiver.make({ clocks, folder });
    commissioned = await Commissioned.provision({});
    ({ scenario } = commissioned);
  });
  afterEach(async () => {
    if (refusal !== null) return;
    await commissioned.end();
    await receiver.unplug();
    await clocks.end();
    rmSync(folder, { recursive: true });
  });

  it('holds the truth, sinks without the receiver, and is not believed of another', async () => {
    const sources = [{ source: roof, place: { line: receiver.path, baud: 115_200 } }];
    await commissioned.start(sources);
    clerk = await scenario.enrol('clerk');
    // The daemon is there before its receiver, and its clock is the host's.
    await commissioned.useProfile(labProfile(sources));
    await receiver.plugIn();
    await requireGood(await actUntil('LOCKED'), 'LOCKED');
    await receiver.unplug();
    await requireGood(await actUntil('HOLDOVER'), 'HOLDOVER');
    await receiver.plugIn();
    await requireGood(await actUntil('LOCKED'), 'LOCKED');
    await receiver.unplug();
    await actUntil('HOLDOVER');
    const size = await scenario.size();
    await receiver.plugIn(Uint8Array.of(1, 2, 3, 4, 5));
    await scenario.until(async () => (await problemsSince(size)).includes('identity'));
    const { time } = await scenario.entry(await act());
    assert.equal(time.level, 'HOLDOVER');
    await commissioned.scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  /** The truth is in its window, and a reader who asks for the level finds nothing wrong. */
  async function requireGood(index: bigint, level: TimeLevel): Promise<void> {
    const { time } = await scenario.entry(index);
    assert.equal(time.level, level);
    assert(time.adversarialNs !== null);
    const errorNs = time.taiNs - clocks.truthAt(time.monotonicRawNs);
    const message = `${errorNs} ns off, of ${time.adversarialNs}`;
    assert.ok(errorNs <= time.adversarialNs && -errorNs <= time.adversarialNs, message);
    const policy = { ...(await scenario.policy()), minimumTimeLevel: level };
    const { overall, checks } = await verify(await scenario.bundle(index), policy);
    const failed = checks.filter(({ outcome }) => outcome !== 'pass');
    assert.equal(overall, 'VALID', JSON.stringify(failed));
  }

  /** Of all evidence in the log from an entry on. */
  async function problemsSince(first: bigint): Promise<SourceProblem[]> {
    const entries: Entry[] = [];
    for (const kind of ['time-evidence', 'anchor', 'counter-anchor'] as const) {
      entries.push(...(await scenario.entriesOf(kind, first)));
    }
    return entries.flatMap((entry) => {
      assert('evidence' in entry);
      const evidence = decodeAnyTimeEvidence(entry.evidence);
      return evidence.version === 2 ? evidence.verdicts.flatMap(({ problems }) => problems) : [];
    });
  }

  async function act(): Promise<bigint> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...clerk });
    const { actions } = await agent.submit([someAction('timed')]);
    return actions[0]?.index ?? 0n;
  }

  async function actUntil(level: TimeLevel): Promise<bigint> {
    let index = 0n;
    await scenario.until(async () => {
      index = await act();
      return (await scenario.entry(index)).time.level === level;
    });
    return index;
  }
});
