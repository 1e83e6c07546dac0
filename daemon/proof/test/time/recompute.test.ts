import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import type { TimeProfile } from '../../src/time/time-profile.ts';
import type { SourceProblem } from '../../src/time/source-verdict.ts';
import { attackOf, delayChange } from '../support/delay-attacks.ts';
import type { PtpState } from '../support/ptp-encode.ts';
import { PROFILE, PTP_PINS, PTP_SOURCE } from '../support/time-profiles.ts';
import type { Told } from '../support/time-keeper.ts';
import { TimeKeeper } from '../support/time-keeper.ts';
import type { World } from '../support/time-world.ts';
import { TimeWorld } from '../support/time-world.ts';

const CALM: World = {
  seed: 7,
  drift: 35e-6,
  driftMax: 50e-6,
  delayNs: [100_000, 110_000],
  jitterNs: 20_000,
  startErrorNs: 1_500_000,
  attack: () => [0, 0],
};

/** With limits so wide that nothing but the window protects. */
const pins = { ...PTP_PINS, delayMinNs: 90_000n, delayMaxNs: 10_000_000n };
const OPEN: TimeProfile = {
  ...PROFILE,
  sources: [{ ...PTP_SOURCE, kind: 'ptp', pins }],
  limits: { ...PROFILE.limits, widthMaxNs: 100_000_000n },
};
const PTP_ALONE: TimeProfile = { ...PROFILE, sources: [PTP_SOURCE] };

interface Story {
  readonly told: readonly Told[];
  readonly keeper: TimeKeeper;
}

function play(world: World, seconds: number, profile: TimeProfile = PTP_ALONE): Story {
  const keeper = new TimeKeeper(profile, new TimeWorld(world));
  const told = Array.from({ length: seconds }, () => keeper.second()).flat();
  return { told, keeper };
}

function assertHeld(told: readonly Told[]): void {
  for (const { seconds, level, errorNs, adversarialNs } of told) {
    if (adversarialNs === null) continue;
    const wrongNs = errorNs < 0n ? -errorNs : errorNs;
    const text = `${wrongNs} ns wrong at ${seconds} s, ${level} ± ${adversarialNs} ns`;
    assert.ok(wrongNs <= adversarialNs, text);
  }
}

const levelAt = (told: readonly Told[], seconds: number): string | undefined =>
  told.findLast((each) => each.seconds <= seconds)?.level;

describe('recompute', function () {
  this.timeout(0); // a few hundred simulated minutes

  it('locks to a pinned grandmaster, within its windows', () => {
    const { told } = play(CALM, 60);
    assert.equal(levelAt(told, 10), 'UNKNOWN');
    assert.equal(levelAt(told, 30), 'LOCKED');
    assertHeld(told);
    const last = told.at(-1);
    assert.ok(last?.statisticalNs != null && last.adversarialNs != null);
    assert.ok(last.statisticalNs < last.adversarialNs && last.adversarialNs < 2_000_000n);
  });

  it('holds the truth whatever is done to delays', () => {
    const world = fc.record({
      seed: fc.integer({ min: 1, max: 2 ** 31 }),
      drift: fc.double({ min: -50e-6, max: 50e-6, noNaN: true }),
      jitterNs: fc.integer({ min: 0, max: 60_000 }),
      startErrorNs: fc.integer({ min: -2_000_000, max: 2_000_000 }),
      changes: fc.array(delayChange, { minLength: 1, maxLength: 4 }),
      dropsFrom: fc.integer({ min: 20, max: 400 }),
      lostFrom: fc.integer({ min: 30, max: 400 }),
    });
    fc.assert(
      fc.property(world, ({ changes, dropsFrom, lostFrom, ...rest }) => {
        const attack = attackOf(changes);
        const dropsDelays = (seconds: number): boolean => seconds > dropsFrom;
        const isPresent = (seconds: number): boolean => seconds < lostFrom;
        const { told } = play({ ...CALM, ...rest, attack, dropsDelays, isPresent }, 110, OPEN);
        assertHeld(told);
      }),
      { numRuns: 40 },
    );
  });

  it('falls when a delay of 2 ms is added in one direction, and still holds the truth', () => {
    const attack: World['attack'] = (seconds) => (seconds > 60 ? [2_000_000, 0] : [0, 0]);
    const { told } = play({ ...CALM, attack }, 90);
    assert.equal(levelAt(told, 59), 'LOCKED');
    assert.equal(levelAt(told, 70), 'HOLDOVER');
    assertHeld(told);
    const slow = play({ ...CALM, attack }, 90, OPEN);
    assertHeld(slow.told);
  });

  it('never locks where the delay was there from the start', () => {
    const { told, keeper } = play({ ...CALM, attack: () => [2_000_000, 0] }, 40);
    assert.ok(told.every(({ level }) => level === 'UNKNOWN'));
    assert.deepEqual(keeper.computation?.verdicts[0]?.problems, ['delay-too-long']);
  });

  it('sees that delays are measured no more', () => {
    const { told, keeper } = play({ ...CALM, dropsDelays: (seconds) => seconds > 40 }, 70);
    assert.equal(levelAt(told, 69), 'HOLDOVER');
    assert.deepEqual(keeper.computation?.verdicts[0]?.problems, ['delay-stale']);
    assertHeld(told);
  });

  it('loses the lock with the grandmaster, whatever ptp4l still announces', () => {
    const { told, keeper } = play({ ...CALM, isPresent: (seconds) => seconds < 40 }, 90);
    assert.equal(levelAt(told, 45), 'HOLDOVER');
    assert.ok(keeper.computation?.verdicts[0]?.problems.includes('port-not-slave'));
    assertHeld(told);
  });

  it('calls it a dispute when the grandmaster steps by a second', () => {
    const lieNs = (seconds: number): number => (seconds > 40 ? 1e9 : 0);
    const { told, keeper } = play({ ...CALM, lieNs }, 90);
    const levels = new Set(told.filter(({ seconds }) => seconds > 44).map(({ level }) => level));
    assert.ok(!levels.has('LOCKED'), [...levels].join());
    assert.equal(keeper.computation?.segment.level, 'DISPUTED');
    assertHeld(told);
  });

  it('believes no announcement that the profile does not pin', () => {
    const wrong: readonly (readonly [SourceProblem, Partial<PtpState>])[] = [
      ['grandmaster', { grandmaster: 'deadbeeffffe0001' }],
      ['grandmaster-absent', { isPresent: false }],
      ['clock-class', { clockClass: 7 }],
      ['clock-accuracy', { clockAccuracy: 0xfe }],
      ['clock-accuracy', { clockAccuracy: 0x2c }],
      ['time-source', { timeSource: 0xa0 }],
      ['not-traceable', { flags: 0x2c }],
      ['timescale', { flags: 0x34 }],
      ['utc-offset', { flags: 0x38 }],
      ['utc-offset', { utcOffset: 38 }],
      ['leap-announced', { flags: 0x3d }],
      ['leap-announced', { flags: 0x3e }],
      ['port-not-slave', { portState: 8 }],
    ];
    for (const [problem, state] of wrong) {
      const late = (seconds: number): Partial<PtpState> => (seconds > 30 ? state : {});
      const { told, keeper } = play({ ...CALM, state: late }, 40);
      assert.equal(levelAt(told, 30), 'LOCKED');
      assert.equal(levelAt(told, 40), 'HOLDOVER', problem);
      assert.ok(keeper.computation?.verdicts[0]?.problems.includes(problem), problem);
    }
  });
});
