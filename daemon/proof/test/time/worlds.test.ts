/**
 * Several sources in worlds whose truth is known: what may be attested, and who is not believed.
 * The truth is in the adversarial window wherever the stated number of sources lies.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import type { TimeLevel } from '../../src/entry-fields.ts';
import { TIME_LEVELS } from '../../src/entry-fields.ts';
import type { TimeProfile } from '../../src/time/time-profile.ts';
import { attackOf, delayChange } from '../support/delay-attacks.ts';
import type { Receiver } from '../support/gnss-world.ts';
import { RECEIVER_SOURCE, receiverFrames } from '../support/gnss-world.ts';
import type { Told } from '../support/time-keeper.ts';
import { TimeKeeper } from '../support/time-keeper.ts';
import { PROFILE, PTP_PINS, PTP_SOURCE } from '../support/time-profiles.ts';
import type { World } from '../support/time-world.ts';
import { TimeWorld } from '../support/time-world.ts';

const MS_NS = 1_000_000n;
const CALM: World = {
  ...{ seed: 7, drift: 35e-6, driftMax: 50e-6, delayNs: [100_000, 110_000], jitterNs: 20_000 },
  ...{ startErrorNs: 1_500_000, attack: () => [0, 0] },
};

/** With limits of delay so wide that nothing but the window protects. */
const pins = { ...PTP_PINS, delayMinNs: 90_000n, delayMaxNs: 10_000_000n };
const ptp = { ...PTP_SOURCE, kind: 'ptp', pins } as const;
const phc = { ...PTP_SOURCE, kind: 'ptp', pins: { ...pins, clock: 'phc' } } as const;
const limits = { ...PROFILE.limits, widthMaxNs: 100_000_000n };
const profileOf = (sources: TimeProfile['sources']): TimeProfile => ({
  ...PROFILE,
  ...{ sources, limits },
});
const TWO = profileOf([ptp, RECEIVER_SOURCE]);

interface Story {
  readonly told: readonly Told[];
  readonly keeper: TimeKeeper;
}

function play(
  world: Partial<World>,
  profile: TimeProfile,
  receiver: Omit<Receiver, 'place'> | null = null,
): Story {
  const own = new TimeWorld({ ...CALM, ...world });
  const more = (): ReturnType<typeof receiverFrames> =>
    receiver === null ? [] : receiverFrames(own, { ...receiver, place: 1 });
  const keeper = new TimeKeeper(profile, own, { more, isInAnchor: true });
  return { keeper, told: Array.from({ length: 70 }, () => keeper.second()).flat() };
}

function assertHeld(told: readonly Told[], from: TimeLevel = 'UNKNOWN'): void {
  for (const { seconds, level, errorNs, adversarialNs } of told) {
    if (adversarialNs === null || TIME_LEVELS.indexOf(level) < TIME_LEVELS.indexOf(from)) continue;
    const wrongNs = errorNs < 0n ? -errorNs : errorNs;
    const text = `${wrongNs} ns wrong at ${seconds} s, ${level} ± ${adversarialNs} ns`;
    assert.ok(wrongNs <= adversarialNs, text);
  }
}

const levelsSince = ({ told }: Story, seconds: number): string[] => [
  ...new Set(told.filter((each) => each.seconds > seconds).map(({ level }) => level)),
];
const problemsOf = ({ keeper }: Story, place: number): readonly string[] =>
  keeper.computation?.verdicts[place]?.problems ?? [];

const worlds = {
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  drift: fc.double({ min: -50e-6, max: 50e-6, noNaN: true }),
  jitterNs: fc.integer({ min: 0, max: 60_000 }),
  changes: fc.array(delayChange, { maxLength: 3 }),
};

describe('worlds of several sources', function () {
  this.timeout(0); // a few hundred simulated minutes

  it('attest what a grandmaster and a receiver with its pulse agree on', () => {
    const story = play({}, TWO, {});
    assert.deepEqual(levelsSince(story, 30), ['ATTESTED']);
    assert.equal(story.keeper.computation?.groups, 2);
    assertHeld(story.told);
    const { adversarialNs } = story.told.at(-1) ?? {};
    assert.ok(adversarialNs != null && adversarialNs < 2n * MS_NS);
  });

  it('lock to a receiver with its pulse alone', () => {
    const alone = profileOf([ptp, RECEIVER_SOURCE]);
    const story = play({ isPresent: () => false }, alone, {});
    assert.deepEqual(levelsSince(story, 30), ['LOCKED']);
    assertHeld(story.told);
    assert.ok((story.told.at(-1)?.adversarialNs ?? 0n) < 10n * MS_NS);
  });

  it("lock to a network card's clock, of which no leap second leaves anything open", () => {
    const world = fc.record({ ...worlds, lostFrom: fc.integer({ min: 30, max: 200 }) });
    fc.assert(
      fc.property(world, ({ changes, lostFrom, ...rest }) => {
        const attack = attackOf(changes);
        const isPresent = (seconds: number): boolean => seconds < lostFrom;
        const story = play({ ...rest, attack, isPresent, isPhc: true }, profileOf([phc]));
        assertHeld(story.told);
        if (changes.length === 0 && lostFrom > 70) {
          assert.deepEqual(levelsSince(story, 30), ['LOCKED']);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('hold the truth whatever is done to delays, and to the receiver', () => {
    const world = fc.record({
      ...worlds,
      unpluggedFrom: fc.integer({ min: 20, max: 140 }),
      spoofedFrom: fc.integer({ min: 20, max: 140 }),
    });
    fc.assert(
      fc.property(world, ({ changes, unpluggedFrom, spoofedFrom, ...rest }) => {
        const script = (seconds: number): object => (seconds > spoofedFrom ? { spoofing: 3 } : {});
        // From when it says so its time is whatever somebody likes.
        const lieNs = (seconds: number): bigint => (seconds > spoofedFrom ? 250n * MS_NS : 0n);
        const isPlugged = (seconds: number): boolean => seconds < unpluggedFrom;
        const receiver = { script, lieNs, isPlugged };
        assertHeld(play({ ...rest, attack: attackOf(changes) }, TWO, receiver).told);
      }),
      { numRuns: 20 },
    );
  });

  it('are in dispute where one of two groups lies, and never attest it', () => {
    const lie = fc.integer({ min: 20, max: 400 });
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), lie, (isReceiver, isLate, lieMs) => {
        const ns = isLate ? lieMs : -lieMs;
        const lieFrom = (seconds: number): number => (seconds > 35 ? ns * 1e6 : 0);
        const story = isReceiver
          ? play({}, TWO, { lieNs: (seconds) => BigInt(lieFrom(seconds)) })
          : play({ lieNs: lieFrom }, TWO, {});
        assert.ok(levelsSince(story, 30).includes('ATTESTED'));
        assertHeld(story.told);
        // Until the step has left the evidence, a window may be so wide as to hold both.
        assert.ok(!levelsSince(story, 60).includes('ATTESTED'));
      }),
      { numRuns: 10 },
    );
    const story = play({ lieNs: (seconds) => (seconds > 35 ? 5e6 : 0) }, TWO, {});
    assert.equal(story.keeper.computation?.segment.level, 'DISPUTED');
  });

  it('keep latched what a receiver once indicated', () => {
    const script = (seconds: number): object =>
      seconds > 35 && seconds < 37 ? { jamming: 2 } : {};
    const story = play({}, TWO, { script });
    assert.deepEqual(problemsOf(story, 1), ['jamming']);
    assert.deepEqual(levelsSince(story, 45), ['LOCKED']);
    assertHeld(story.told);
  });
});
