/**
 * What a daemon does with time evidence, on a world: it asks every second, computes of the last
 * readings, brings a segment into force where the level changes or the last one ages, and is asked
 * the time in between.
 */
import type { LeapSeconds } from '../../src/tai.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import { recompute } from '../../src/time/recompute.ts';
import type { TimeComputation } from '../../src/time/recompute.ts';
import type { TimeFrame } from '../../src/time/raw-time-evidence.ts';
import type { Segment, SegmentReading } from '../../src/time/segment.ts';
import { readSegment } from '../../src/time/segment.ts';
import type { TimeProfile } from '../../src/time/time-profile.ts';
import type { TimeWorld } from './time-world.ts';

const NS_PER_MS = 1_000_000n;
/** How much longer than the least span readings are kept. */
const SLACK_NS = 4_000n * NS_PER_MS;
const RENEW_NS = 4_000n * NS_PER_MS;

export interface Told extends SegmentReading {
  readonly seconds: number;
  readonly truthNs: bigint;
  /** Truth minus what was told. */
  readonly errorNs: bigint;
}

export class TimeKeeper {
  readonly #profile: TimeProfile;
  readonly #world: TimeWorld;
  readonly #leap: LeapSeconds;
  readonly #isInAnchor: boolean;
  readonly #more: (world: TimeWorld) => readonly TimeFrame[];
  #frames: TimeFrame[] = [];
  #segment: Segment | null = null;
  #base: Segment | null = null;
  #renewedRawNs = 0n;
  #lastTaiNs = 0n;
  computation: TimeComputation | null = null;

  /** @param more frames of other sources, asked for each second */
  constructor(
    profile: TimeProfile,
    world: TimeWorld,
    {
      more = () => [],
      leap = LEAP_TABLE,
      isInAnchor = false,
    }: {
      readonly more?: (world: TimeWorld) => readonly TimeFrame[];
      readonly leap?: LeapSeconds;
      /** Whether all evidence is of anchors. */
      readonly isInAnchor?: boolean;
    } = {},
  ) {
    this.#profile = profile;
    this.#world = world;
    this.#more = more;
    this.#leap = leap;
    this.#isInAnchor = isInAnchor;
  }

  /** One second: what is told at its middle and at its end, by what is in force by then. */
  second(): Told[] {
    this.#world.run(0.5);
    const middle = this.#tell();
    this.#world.run(0.5);
    const end = this.#tell();
    const heard = [...this.#world.poll(0), ...this.#more(this.#world)];
    this.#frames = [...this.#frames, ...heard].toSorted((a, b) =>
      Number(a.rawAfterNs - b.rawAfterNs),
    );
    this.#compute();
    return [middle, end].filter((told) => told !== null);
  }

  #compute(): void {
    const keptNs = BigInt(this.#profile.limits.windowMs) * NS_PER_MS + SLACK_NS;
    const now = this.#world.rawNs;
    this.#frames = this.#frames.filter(({ rawAfterNs }) => rawAfterNs > now - keptNs);
    const found = recompute({
      profile: this.#profile,
      raw: { version: 2, frames: this.#frames },
      leap: this.#leap,
      base: this.#base,
      prior: this.computation,
      isInAnchor: this.#isInAnchor,
    });
    this.computation = found;
    const isDue = now - this.#renewedRawNs >= RENEW_NS;
    if (!isDue && found.segment.level === this.#segment?.level) return;
    this.#segment = found.segment;
    this.#renewedRawNs = now;
    if (['LOCKED', 'ATTESTED'].includes(found.segment.level)) this.#base = found.segment;
  }

  #tell(): Told | null {
    if (this.#segment === null) return null;
    const reading = readSegment(this.#segment, this.#world.rawNs, this.#lastTaiNs);
    this.#lastTaiNs = reading.taiNs;
    const truthNs = this.#world.taiNs;
    return { ...reading, seconds: this.#world.seconds, truthNs, errorNs: truthNs - reading.taiNs };
  }
}
