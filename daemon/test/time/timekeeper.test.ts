import assert from 'node:assert/strict';

import { decodeRawTimeEvidence, type EvidenceCause, type TimeProfile } from '@kudurru/proof';
import { describe, it } from 'mocha';

import { leafIndex } from '../../src/base/units.ts';
import {
  Timekeeper,
  type Discontinuity,
  type InForce,
  type OwnReading,
  type TakenEvidence,
} from '../../src/time/timekeeper.ts';
import { LOCKED_STATE } from '../../proof/test/support/ptp-encode.ts';
import {
  PROFILE,
  PTP_PINS,
  PTP_SOURCE,
  SYSTEM_SOURCE,
} from '../../proof/test/support/time-profiles.ts';
import { TimeWorld, type World } from '../../proof/test/support/time-world.ts';

const pins = { ...PTP_PINS, clockClasses: [6, 7], timeSources: [0x10, 0x20] };
const profile: TimeProfile = {
  ...PROFILE,
  sources: [{ ...PTP_SOURCE, kind: 'ptp', pins }, SYSTEM_SOURCE],
};
const frequencyTraceable = 0x20;
const [ptpPlace, systemPlace] = [0, 1];
const secondNs = 1_000_000_000n;
const calm: World = {
  ...{ seed: 7, drift: 2e-6, driftMax: 20e-6, delayNs: [20_000, 22_000], jitterNs: 4_000 },
  ...{ startErrorNs: 300_000, attack: () => [0, 0] },
};
const clockSet: Discontinuity = { cause: 'clock-set', message: 'by a hand' };

/** A keeper, the world that it reads, and the ledger that it writes to. */
class Kept {
  readonly #world: TimeWorld;
  suspendedNs = 0n;
  /** `drop`, `use` and the causes of entries, in their order. */
  readonly done: string[] = [];
  readonly entries: TakenEvidence[] = [];
  readonly keeper: Timekeeper;

  constructor(
    changes: Partial<World> = {},
    startCause: 'start' | 'new-boot' = 'start',
    prior: InForce | null = null,
  ) {
    this.#world = new TimeWorld({ ...calm, ...changes });
    this.keeper = new Timekeeper({
      ...{ profile, profileIndex: leafIndex(3n), startCause, prior },
      read: () => this.#read(),
      append: async (taken) => {
        this.done.push(taken.told.cause);
        this.entries.push(taken);
        return leafIndex(BigInt(this.entries.length + 10));
      },
      use: async () => void this.done.push('use'),
      drop: async () => void this.done.push('drop'),
    });
  }

  get last(): TakenEvidence['told'] {
    return this.entries.at(-1)?.told ?? assert.fail('there is no entry');
  }

  /** Reads and looks each second. */
  async run(seconds: number, found: Discontinuity | null = null): Promise<readonly string[]> {
    this.done.length = 0;
    for (let second = 0; second < seconds; second++) {
      this.#world.run(1);
      for (const { source: _, ...frame } of this.#world.poll(ptpPlace)) {
        this.keeper.hear(ptpPlace, frame);
      }
      await this.keeper.look(second === 0 ? found : null);
    }
    return [...this.done];
  }

  #read(): OwnReading {
    const { rawBeforeNs, clockNs, rawAfterNs } = this.#world.bracket(systemPlace);
    assert(clockNs !== null);
    return { rawBeforeNs, clockNs, rawAfterNs, suspendedNs: this.suspendedNs, kernel: null };
  }
}

async function locked(changes: Partial<World> = {}): Promise<Kept> {
  const kept = new Kept(changes);
  await kept.run(30);
  assert.equal(kept.last.segment.level, 'LOCKED');
  return kept;
}

describe('Timekeeper', () => {
  it('says why a run begins to tell the time', async () => {
    assert.deepEqual(await new Kept({}, 'new-boot').run(1), ['new-boot']);
    assert.deepEqual(await new Kept().run(1), ['start']);
  });

  it('lets nothing go on across a suspend', async () => {
    const kept = await locked();
    kept.suspendedNs += secondNs;
    // The segment ends before the entry that says so is in the log.
    assert.deepEqual(await kept.run(1), ['drop', 'suspended']);
    assert.equal(kept.last.segment.level, 'UNKNOWN');
    assert.equal(kept.last.baseEvidenceIndex, null);
    assert.equal(kept.keeper.inForce, null);
    const again = await kept.run(30);
    assert(!again.includes('drop') && again.includes('use'));
    assert.equal(kept.last.segment.level, 'LOCKED');
  });

  it('tells of a suspend that an anchor found first', async () => {
    const kept = await locked();
    const stale = await kept.keeper.take();
    kept.suspendedNs += secondNs;
    const { told } = await kept.keeper.take();
    assert.deepEqual([told.cause, told.segment.level], ['anchor', 'UNKNOWN']);
    kept.done.length = 0;
    // What was taken before comes into the log after it, and not into force.
    await kept.keeper.settle(stale, leafIndex(99n));
    assert.deepEqual(kept.done, []);
    assert.deepEqual(await kept.run(1), ['drop', 'suspended']);
  });

  it('follows the evidence that was taken last before, of an earlier run too', async () => {
    const before = await locked();
    const prior = { evidenceIndex: leafIndex(7n), told: before.last };
    const kept = new Kept({}, 'start', prior);
    await kept.run(1);
    assert.equal(kept.last.priorEvidenceIndex, 7n);
    assert.equal(kept.last.passedTaiNs, before.last.passedTaiNs);
    await kept.run(30);
    const [first, second] = kept.entries;
    assert.deepEqual([first?.told.priorEvidenceIndex, second?.told.priorEvidenceIndex], [7n, 11n]);
    kept.keeper.noteActivity();
    await kept.run(5);
    assert(kept.last.passedTaiNs > before.last.passedTaiNs);
    // An anchor that is written late is not what follows it; one of an earlier run is, at first.
    const late = await kept.keeper.take();
    await kept.run(1, clockSet);
    const newest = BigInt(kept.entries.length + 10);
    await kept.keeper.settle(late, leafIndex(99n));
    assert.equal((await kept.keeper.take()).told.priorEvidenceIndex, newest);
    kept.keeper.follow(late.evidence, leafIndex(100n));
    assert.equal((await kept.keeper.take()).told.priorEvidenceIndex, newest);
    const fresh = new Kept({}, 'start', prior);
    fresh.keeper.follow(late.evidence, leafIndex(100n));
    assert.equal((await fresh.keeper.take()).told.priorEvidenceIndex, 100n);
  });

  it('lets nothing go on where the raw clock broke', async () => {
    const kept = await locked();
    const broken = { cause: 'raw-clock', message: 'it jumped' } as const;
    assert.deepEqual(await kept.run(1, broken), ['drop', 'raw-clock']);
    assert.equal(kept.last.baseEvidenceIndex, null);
  });

  it('keeps its segment when the system clock is set, and tells it, not too often', async () => {
    const kept = await locked();
    assert.deepEqual(await kept.run(1, clockSet), ['clock-set', 'use']);
    assert.equal(kept.last.segment.level, 'LOCKED');
    assert.deepEqual(await kept.run(3, clockSet), []);
    assert.deepEqual(await kept.run(10, clockSet), ['clock-set', 'use']);
    assert.deepEqual(await kept.run(12), []);
    assert.deepEqual(await kept.run(1, clockSet), ['clock-set', 'use']);
  });

  const announcements = {
    class: { clockClass: 7 },
    accuracy: { clockAccuracy: 0x22 },
    flags: { flags: LOCKED_STATE.flags & ~frequencyTraceable },
    'time source': { timeSource: 0x10 },
  };
  for (const [name, announced] of Object.entries(announcements)) {
    it(`makes an entry of another ${name} that a healthy source announces`, async () => {
      const kept = await locked({ state: (seconds) => (seconds > 30.5 ? announced : {}) });
      assert.deepEqual(await kept.run(3), ['change', 'use']);
      assert.equal(kept.last.segment.level, 'LOCKED');
      assert.equal(kept.last.verdicts[ptpPlace]?.state, 'healthy');
    });
  }

  it('keeps the state of the system clock with each reading of its own', async () => {
    const kept = await locked();
    const { frames } = decodeRawTimeEvidence(kept.entries.at(-1)?.raw ?? new Uint8Array());
    const own = frames.filter(({ source }) => source === systemPlace);
    assert(own.length > 1 && own.every(({ bytes }) => bytes.length > 0));
    const causes: EvidenceCause[] = kept.entries.map(({ told }) => told.cause);
    assert.equal(causes[0], 'start');
  });
});
