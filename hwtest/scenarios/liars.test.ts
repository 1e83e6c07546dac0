/**
 * The whole daemon replaced by one that lies but has the same TPM and token: what it can and cannot
 * do, by the verdicts of who holds one bundle, two, or an earlier receipt.
 */
import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type AnchoredReceipt } from '@kudurru/agent';
import {
  consistencyProof,
  decodeTimeEvidence,
  formatTrustPolicy,
  isAnchorEntry,
  LogAudit,
  MerkleTree,
  verify,
  verifyPair,
  type TimeEvidence,
  type TrustPolicy,
  type Verdict,
} from '@kudurru/proof';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';

import { provisionTimeoutMs } from '../../daemon/src/compose/founding.ts';
import { Appliance } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { kudurru } from './kudurru.ts';
import { Liar } from './liar.ts';
import type { LyingLog } from './lying-log.ts';
import { makeScratchFolder, policyOf, scenarioTimeoutMs, someAction } from './scenario.ts';

const hourNs = 3_600_000_000_000n;
const nsPerMs = 1_000_000n;

describe('a daemon that lies, with the same TPM and token', function () {
  this.timeout(scenarioTimeoutMs);
  let folder: string;
  let appliance: Appliance;
  let liar: Liar;
  let policy: TrustPolicy;
  /** Of the honest daemon, for the second of two actions. */
  let receipt: AnchoredReceipt;

  /** The log of the honest daemon, and a run of the liar's that has not lied yet. */
  let base: LyingLog;

  before(async () => {
    folder = makeScratchFolder();
    appliance = await Appliance.prepare(join(folder, 'state'));
    await appliance.start({ flags: ['--anchor-interval-ms', '100'] });
    const enrolled = await enrolAgent(appliance.controlSocket, 'honest');
    {
      await using agent = await connect({ socketPath: appliance.agentSocket, ...enrolled });
      await agent.submit([someAction('kept')], { level: 'anchored' });
      const given = await agent.submit([someAction('to be denied')], { level: 'anchored' });
      assert(given.anchored !== null);
      receipt = given.anchored;
    }
    policy = await policyOf(appliance.controlSocket);
    await appliance.daemon.stop();
    await appliance.devices.stop();
    cpSync(tpmFolder(), join(folder, 'tpm'), { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Each begins with the TPM as the honest daemon left it, started anew. */
  beforeEach(async () => {
    rmSync(tpmFolder(), { recursive: true });
    cpSync(join(folder, 'tpm'), tpmFolder(), { recursive: true });
    appliance = await Appliance.prepare(appliance.state);
    liar = await Liar.replace(appliance);
    base = liar.log();
    await base.boot();
    await base.anchor({ kind: 'counter-anchor' });
  });
  afterEach(async () => {
    await liar.close();
    await appliance.devices.stop();
  });

  it('is believed while it does not lie', async () => {
    const lying = log();
    await lying.boot();
    const at = lying.alarm('true');
    await lying.anchor({ kind: 'counter-anchor' });
    const last = lying.alarm('as true');
    await lying.anchor();
    for (const index of [at, last]) await requireValid(await lying.bundle(index));
    assert.deepEqual(replayOf(lying), []);
    const { headline } = await verifyPair(receipt.bytes, await lying.checkpoint(), policy, {
      consistency: { oldSize: receipt.head.size, path: pathFrom(lying, receipt.head.size) },
    });
    assert.equal(headline, 'VALID: consistent');
  });

  describe('certifies two heads at one value of the counter', () => {
    it('in one TPM boot: the second log does not replay, and two bundles show it', async () => {
      const [one, other] = [log(), log()];
      const [a, b] = [one.alarm('one'), other.alarm('other')];
      await one.anchor();
      await other.anchor();
      const later = other.alarm('later');
      await other.anchor();
      const bundles = { a: await one.bundle(a), b: await other.bundle(b) };
      await requireValid(bundles.a);
      await requireValid(bundles.b);
      await requireEquivocation(bundles.a, bundles.b);
      await requireEquivocation(bundles.a, await other.bundle(later));
      assert.deepEqual(replayOf(one), []);
      assert.deepEqual(replayOf(other), ['pcr-contradicts']);
      await requireCommandSaysSo(bundles);
    });

    it('from a boot entry on: the second bundle is INVALID by itself', async () => {
      const one = log();
      await one.boot();
      const other = liar.logFrom(one);
      const [a, b] = [one.alarm('one'), other.alarm('other')];
      await one.anchor();
      await other.anchor();
      await requireValid(await one.bundle(a));
      await requireInvalid(await other.bundle(b), ['order.anchor-replay']);
    });

    it('and leaves out the quote of the second: INVALID by itself', async () => {
      const [one, other] = [log(), log()];
      const at = other.alarm('other');
      await one.anchor();
      await other.anchor({ withoutQuote: true });
      await requireInvalid(await other.bundle(at), ['order.anchor-extras']);
    });

    it('across a reset of the TPM: each log replays, two bundles show it', async () => {
      const [one, other] = [log(), log()];
      const a = one.alarm('one');
      await one.anchor();
      await appliance.devices.tpm.powerCycle(false);
      await other.boot();
      const b = other.alarm('other');
      await other.anchor();
      await requireValid(await one.bundle(a));
      await requireValid(await other.bundle(b));
      assert.deepEqual([replayOf(one), replayOf(other)], [[], []]);
      await requireEquivocation(await one.bundle(a), await other.bundle(b));
      // Whichever counts first has the index; the other's never replays again.
      await other.anchor({ kind: 'counter-anchor' });
      assert.deepEqual(replayOf(other), []);
      await one.boot();
      const late = one.alarm('late');
      await one.anchor({ kind: 'counter-anchor', increments: 0 });
      assert.ok(replayOf(one).includes('extend-index-contradicts'));
      await requireEquivocation(await one.bundle(late), await other.bundle(b));
    });
  });

  it('skips a step of the counter: INVALID', async () => {
    const skipped = log();
    const at = skipped.alarm('skipped');
    await skipped.anchor({ kind: 'counter-anchor', increments: 2 });
    await requireInvalid(await skipped.bundle(at), ['order.anchor-chain']);
  });

  it('uses a value of the counter twice: INVALID', async () => {
    const same = log();
    const at = same.alarm('the same');
    await same.anchor({ kind: 'counter-anchor', increments: 0 });
    await requireInvalid(await same.bundle(at), ['order.anchor-chain']);
    const { counter } = await liar.device.readRegisters(provisionTimeoutMs);
    const claimed = log();
    const claimedAt = claimed.alarm('one more, it says');
    await claimed.anchor({ kind: 'counter-anchor', increments: 0, counter: counter + 1n });
    const bundle = await claimed.bundle(claimedAt);
    await requireInvalid(bundle, ['order.anchor-counter', 'order.anchor-replay']);
  });

  describe('takes back what it has given a receipt for', () => {
    it('an entry: a bundle alone may not show it, the receipt proves it', async () => {
      const lying = liar.log(Number(receipt.statement.index));
      await lying.boot();
      const at = lying.alarm('in the place of the action');
      // The counter has gone on since, so the first anchor of the shorter log jumps.
      await lying.anchor({ kind: 'counter-anchor', increments: 0 });
      const later = lying.alarm('and on');
      await lying.anchor();
      await requireInvalid(await lying.bundle(at), ['order.anchor-chain']);
      await requireValid(await lying.bundle(later));
      assert.ok(replayOf(lying).includes('extend-index-contradicts'));
      for (const index of [at, later]) {
        await requireEquivocation(receipt.bytes, await lying.bundle(index));
      }
    });

    it('a tree: one of the same size contradicts, a shorter one does not lead to it', async () => {
      const { size } = receipt.head;
      const lying = liar.log(Number(receipt.statement.index));
      const older = await lying.checkpoint();
      while (lying.size < size) lying.alarm('another entry');
      await requireEquivocation(receipt.bytes, await lying.checkpoint());
      lying.alarm('longer');
      const longer = await lying.checkpoint();
      // A beginning is no contradiction: the log was as long once.
      for (const note of [older, longer]) {
        const { headline } = await verifyPair(receipt.bytes, note, policy);
        assert.equal(headline, 'UNVERIFIABLE');
      }
      // Asked for the proof that its tree has grown from the receipt's, it has none.
      const consistency = { oldSize: size, path: pathFrom(lying, size) };
      const asked = await verifyPair(receipt.bytes, longer, policy, { consistency });
      assert.equal(asked.headline, 'INVALID');
    });
  });

  describe('dates an entry', () => {
    it('outside the readings of its anchors: INVALID', async () => {
      for (const shiftNs of [-hourNs, hourNs]) {
        const lying = log();
        await lying.anchor();
        const { taiNs, monotonicRawNs } = liar.clock.now();
        const { time } = lying.entry(lying.size - 1n);
        const claimed = { taiNs: taiNs + shiftNs, monotonicRawNs, adversarialNs: 1000n };
        const at = lying.alarm('dated', { time: { ...time, ...claimed, level: 'LOCKED' } });
        await lying.anchor();
        const verdict = await verify(await lying.bundle(at), policy);
        const failed = failedIn(verdict);
        assert.ok(failed.includes('when.interval'), failed.join());
        assert.equal(verdict.overall, 'INVALID');
      }
    });

    it('forward, with a reading of its own making: INVALID by the time of the TPM', async () => {
      const lying = log();
      await lying.boot();
      await lying.anchor();
      const at = lying.alarm('dated forward');
      await lying.anchor({ evidence: (reading) => shifted(reading, hourNs) });
      await requireInvalid(await lying.bundle(at), ['when.anchor-rate']);
    });

    it('back, with a reading of its own making: INVALID by the time of the TPM', async () => {
      const lying = log();
      const begun = lying.entry(await lying.boot()).time.monotonicRawNs;
      const before = readingOf(lying, await lying.anchor());
      const { time } = lying.entry(lying.size - 1n);
      // An anchor so soon after its boot entry may have a reading that is older by as much.
      await untilTpmRan(2_000n + (2n * (time.monotonicRawNs - begun)) / nsPerMs);
      const at = lying.alarm('dated back', { time });
      const { monotonicRawNs, ...rest } = before;
      await lying.anchor({
        evidence: () => ({ ...rest, monotonicRawNs: monotonicRawNs + nsPerMs }),
      });
      await requireInvalid(await lying.bundle(at), ['when.anchor-rate']);
    });

    it('back across a reset of the TPM: VALID, and the window is unknown', async () => {
      const lying = log();
      await lying.boot();
      const before = readingOf(lying, await lying.anchor({ kind: 'counter-anchor' }));
      await appliance.devices.tpm.powerCycle(false);
      await lying.boot();
      const at = lying.alarm('dated back');
      await lying.anchor({ kind: 'counter-anchor', evidence: () => before });
      const { window } = await requireValid(await lying.bundle(at));
      assert.equal(window.ms, null);
      assert.match(window.text, /the TPM was reset between counter-anchors/u);
    });
  });

  function tpmFolder(): string {
    return join(appliance.state, 'devices', 'tpm');
  }

  function log(): LyingLog {
    return liar.logFrom(base);
  }

  /** VALID, as far as one bundle can show. */
  async function requireValid(bundle: Uint8Array): Promise<Verdict> {
    const verdict = await verify(bundle, policy);
    assert.equal(verdict.headline, 'VALID (emulated)', failedIn(verdict).join());
    return verdict;
  }

  async function requireInvalid(bundle: Uint8Array, checks: readonly string[]): Promise<void> {
    const verdict = await verify(bundle, policy);
    assert.equal(verdict.overall, 'INVALID');
    const failed = failedIn(verdict);
    for (const check of checks) assert.ok(failed.includes(check), `${check}: ${failed.join()}`);
  }

  async function requireEquivocation(a: Uint8Array, b: Uint8Array): Promise<void> {
    const { headline, text } = await verifyPair(a, b, policy);
    assert.equal(headline, 'INVALID: equivocation', text);
  }

  /** A third party, with two files and the policy. */
  async function requireCommandSaysSo(files: Readonly<Record<'a' | 'b', Uint8Array>>) {
    writeFileSync(join(folder, 'a.kudurru'), files.a);
    writeFileSync(join(folder, 'b.kudurru'), files.b);
    writeFileSync(join(folder, 'trust.json'), formatTrustPolicy(policy));
    const words = ['verify', 'a.kudurru', 'b.kudurru', '--policy', 'trust.json'];
    const { code, stdout } = await kudurru(words, { currentFolder: folder });
    assert.equal(code, 1);
    assert.match(stdout, /^INVALID: equivocation /u);
    assert.match(stdout, /two different anchors in one place of the sequence/u);
  }

  async function untilTpmRan(ms: bigint): Promise<void> {
    const timeMs = async (): Promise<bigint> =>
      (await liar.device.readRegisters(provisionTimeoutMs)).clock.timeMs;
    const begun = await timeMs();
    while ((await timeMs()) - begun < ms) await sleep(50);
  }
});

function failedIn({ checks }: Verdict): string[] {
  return checks.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);
}

/** What the replay of the whole log finds, each code once. */
function replayOf({ entries }: LyingLog): string[] {
  const audit = new LogAudit(entries[0] ?? new Uint8Array());
  const problems = entries.flatMap((entry, i) => audit.replay({ index: BigInt(i), entry }));
  return [...new Set(problems.map(({ code }) => code))].sort();
}

function pathFrom({ entries, size }: LyingLog, oldSize: bigint): readonly Uint8Array[] {
  const nodes = new Map<string, Uint8Array>();
  const tree = new MerkleTree((level, at, hash) => nodes.set(`${level}/${at}`, hash));
  for (const entry of entries) tree.append(entry);
  return consistencyProof(oldSize, size, (level, at) => nodes.get(`${level}/${at}`) ?? tree.root());
}

function readingOf(log: LyingLog, anchor: bigint): TimeEvidence {
  const entry = log.entry(anchor);
  if (!isAnchorEntry(entry)) throw new Error('no anchor');
  return decodeTimeEvidence(entry.evidence);
}

function shifted(reading: TimeEvidence, byNs: bigint): TimeEvidence {
  return {
    ...reading,
    realtimeBeforeNs: reading.realtimeBeforeNs + byNs,
    monotonicRawNs: reading.monotonicRawNs + byNs,
    realtimeAfterNs: reading.realtimeAfterNs + byNs,
  };
}
