import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import type { LeapSeconds } from '../../src/tai.ts';
import { LEAP_TABLE, taiOfUtc } from '../../src/tai.ts';
import {
  instantNextTo,
  instantsOf,
  isListedToday,
  isOffsetAbout,
  leapExcerpt,
  offsetAt,
  taiOfReadings,
} from '../../src/time/leap-seconds.ts';
import type { TimeProfile } from '../../src/time/time-profile.ts';
import { RECEIVER_SOURCE, receiverFrames } from '../support/gnss-world.ts';
import type { PtpState } from '../support/ptp-encode.ts';
import { taiAt } from '../support/scripted-receiver.ts';
import type { Told } from '../support/time-keeper.ts';
import { TimeKeeper } from '../support/time-keeper.ts';
import { PROFILE, PTP_SOURCE, SYSTEM_SOURCE } from '../support/time-profiles.ts';
import type { World } from '../support/time-world.ts';
import { TimeWorld } from '../support/time-world.ts';

const SECOND_NS = 1_000_000_000n;
/** The list of the winter of 2016, with the step at the end of its year. */
const LIST: LeapSeconds = {
  expiresUnixSeconds: Date.parse('2017-06-28') / 1000,
  steps: LEAP_TABLE.steps,
};
/** The same, as it was before that step was announced. */
const OLD_LIST: LeapSeconds = {
  expiresUnixSeconds: Date.parse('2017-06-28') / 1000,
  steps: LEAP_TABLE.steps.slice(0, -1),
};
/** 2017-01-01T00:00:00 in TAI: the leap second before it is 23:59:60. */
const STEP_TAI_NS = taiAt('2017-01-01T00:00:00Z');
const STEP_UTC_NS = STEP_TAI_NS - 37n * SECOND_NS;
/** How long before the step the worlds begin. */
const LEAD_SECONDS = 40;
const [LEAP61, LEAP59, PLAIN] = [0x3d, 0x3e, 0x3c];

const CALM: World = {
  ...{ seed: 5, drift: 20e-6, driftMax: 50e-6, delayNs: [100_000, 110_000], jitterNs: 20_000 },
  ...{ startErrorNs: 300_000, attack: () => [0, 0], leap: LIST },
  startTaiNs: STEP_TAI_NS - BigInt(LEAD_SECONDS) * SECOND_NS,
};
const PROFILE_OF: Record<'ptp' | 'both', TimeProfile> = {
  ptp: { ...PROFILE, sources: [PTP_SOURCE, SYSTEM_SOURCE] },
  both: { ...PROFILE, sources: [PTP_SOURCE, RECEIVER_SOURCE] },
};

/** What ptp4l announces: it takes up the new offset `lagSeconds` after the step. */
function announced(lagSeconds: number, flags = LEAP61): NonNullable<World['state']> {
  return (seconds): Partial<PtpState> => {
    const isOver = seconds >= LEAD_SECONDS + lagSeconds;
    return isOver ? { utcOffset: 37, flags: PLAIN } : { utcOffset: 36, flags };
  };
}

interface Played {
  readonly told: readonly Told[];
  readonly problems: ReadonlySet<string>;
}

function play(world: Partial<World>, leap: LeapSeconds, sources: 'ptp' | 'both' = 'ptp'): Played {
  const own = new TimeWorld({ ...CALM, ...world });
  const inSeconds = (): number => Math.floor(LEAD_SECONDS - own.seconds);
  const script = (): object =>
    inSeconds() > 0 ? { leapAnnounced: { change: 1, inSeconds: inSeconds() } } : {};
  const more = (): ReturnType<typeof receiverFrames> =>
    sources === 'both' ? receiverFrames(own, { place: 1, script }) : [];
  const keeper = new TimeKeeper(PROFILE_OF[sources], own, { leap, more });
  const problems = new Set<string>();
  const told = Array.from({ length: 90 }, () => {
    const found = keeper.second();
    if (own.seconds > 30) {
      for (const verdict of keeper.computation?.verdicts ?? []) {
        for (const problem of verdict.problems) problems.add(problem);
      }
    }
    return found;
  }).flat();
  for (const { errorNs, adversarialNs, level, seconds } of told) {
    if (adversarialNs === null) continue;
    const wrongNs = errorNs < 0n ? -errorNs : errorNs;
    assert.ok(wrongNs <= adversarialNs, `${wrongNs} ns wrong at ${seconds} s, ${level}`);
  }
  return { told, problems };
}

const levelsSince = ({ told }: Played, seconds: number): string[] => [
  ...new Set(told.filter((each) => each.seconds > seconds).map(({ level }) => level)),
];

describe('leap-seconds', function () {
  this.timeout(0); // some simulated minutes

  it('tells the two instants of a repeated second apart', () => {
    assert.deepEqual(instantsOf(STEP_UTC_NS - 1n, LIST), [
      STEP_TAI_NS - SECOND_NS - 1n,
      STEP_TAI_NS - 1n,
    ]);
    assert.deepEqual(instantsOf(STEP_UTC_NS, LIST), [STEP_TAI_NS]);
    const [early] = instantsOf(STEP_UTC_NS - SECOND_NS - 1n, LIST);
    assert.deepEqual(instantsOf(STEP_UTC_NS - SECOND_NS - 1n, LIST), [early]);
    assert.equal(early, STEP_TAI_NS - 2n * SECOND_NS - 1n);
    const about = STEP_TAI_NS - 400_000_000n;
    assert.equal(instantNextTo(about, STEP_UTC_NS - 400_000_001n, LIST), about - 1n);
    assert.equal(offsetAt(0n, leapExcerpt(LIST)), 36);
  });

  it('brings any readings about a step back to TAI', () => {
    const reading = fc.bigInt({ min: -20n * SECOND_NS, max: 20n * SECOND_NS });
    fc.assert(
      fc.property(fc.uniqueArray(reading, { minLength: 1, maxLength: 20 }), (offsets) => {
        // One that is no repeated second, which alone does not tell itself from its twin.
        const all = [...offsets, -5n * SECOND_NS].toSorted((a, b) => (a < b ? -1 : 1));
        const readings = all.map((offset) => ({
          rawNs: 1_000n * SECOND_NS + offset,
          clockNs: STEP_UTC_NS + offset + (offset < -SECOND_NS ? SECOND_NS : 0n),
        }));
        const expected = all.map((offset) => STEP_TAI_NS + offset);
        assert.deepEqual(taiOfReadings(readings, leapExcerpt(LIST)), expected);
      }),
    );
  });

  it('is TAI−UTC as of old, wherever that is one', () => {
    const seconds = fc.integer({ min: 63_072_000, max: 4_000_000_000 });
    fc.assert(
      fc.property(seconds, (unixSeconds) => {
        const utcNs = BigInt(unixSeconds) * SECOND_NS;
        const taiNs = taiOfUtc(utcNs);
        assert.ok(instantsOf(utcNs, LEAP_TABLE).includes(taiNs));
        assert.equal(BigInt(offsetAt(taiNs, LEAP_TABLE)) * SECOND_NS, taiNs - utcNs);
      }),
    );
  });

  it('knows what may be told when', () => {
    const minute = 60n * SECOND_NS;
    for (const [aboutNs, offsets] of [
      [-minute - 1n, [36]],
      [-minute, [36, 37]],
      [minute - 1n, [36, 37]],
      [minute, [37]],
    ] as const) {
      const found = [35, 36, 37, 38].filter((each) => {
        return isOffsetAbout(STEP_TAI_NS + aboutNs, each, LIST);
      });
      assert.deepEqual(found, offsets);
    }
    const day = 86_400n * SECOND_NS;
    assert.ok(isListedToday(1, STEP_TAI_NS - 3_600n * SECOND_NS, LIST));
    assert.ok(!isListedToday(-1, STEP_TAI_NS - 3_600n * SECOND_NS, LIST));
    assert.ok(!isListedToday(1, STEP_TAI_NS - day - 2n * minute, LIST));
    assert.ok(!isListedToday(1, STEP_TAI_NS + 2n * minute, LIST));
    // The list does not reach so far.
    assert.ok(isListedToday(1, STEP_TAI_NS + 200n * day, LIST));
  });

  it('stays locked across 23:59:60, whenever the offset is told anew', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 10 }), fc.nat(1000), (lag, seed) => {
        const played = play({ state: announced(lag), seed }, LIST);
        assert.deepEqual(levelsSince(played, 25), ['LOCKED']);
        assert.deepEqual([...played.problems], []);
      }),
      { numRuns: 8 },
    );
  });

  it('holds over, and no more, where nobody tells the new offset for long', () => {
    const played = play({ state: announced(35) }, LIST);
    assert.deepEqual(levelsSince(played, 25).toSorted(), ['HOLDOVER', 'LOCKED']);
    assert.equal(played.told.at(-1)?.level, 'LOCKED');
    assert.deepEqual([...played.problems], []);
  });

  it('stays locked with a receiver beside it, which names the second', () => {
    const played = play({ state: announced(2) }, LIST, 'both');
    assert.deepEqual(levelsSince(played, 25), ['LOCKED']);
    assert.deepEqual([...played.problems], []);
  });

  it('follows no leap second that the list does not have', () => {
    const played = play({ state: announced(2) }, OLD_LIST, 'both');
    assert.ok(played.problems.has('leap-announced'));
    assert.ok(played.problems.has('clock-stepped'));
    assert.ok(played.problems.has('utc-offset'));
    // Nor one of the other sign, where it has one.
    assert.ok(play({ state: announced(2, LEAP59) }, LIST).problems.has('leap-announced'));
  });

  it('lets the offset change only when the list says so', () => {
    const startTaiNs = STEP_TAI_NS - 200n * SECOND_NS;
    const { problems } = play({ state: announced(0), startTaiNs }, LIST);
    assert.ok(problems.has('utc-offset'));
  });
});
