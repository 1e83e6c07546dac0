/** What one healthy source says of the time, and what a judgement of a source is. */
import type { LeapSeconds } from '../tai.ts';
import { offsetAt } from './leap-seconds.ts';
import type { RawTimeEvidence, TimeFrame } from './raw-time-evidence.ts';
import { grownNs, PPB } from './segment.ts';
import { floorDivide } from './integers.ts';
import type { Sky, SourceProblem } from './source-verdict.ts';
import type { TimeProfile } from './time-profile.ts';

/** Notes that are no more than told. */
const HARMLESS_NOTES: ReadonlySet<string> = new Set(['restarted', 'forged-response']);

/** Truth at `rawNs` is in taiNs − earlyNs … taiNs + lateNs, under what the window assumes. */
export interface SourceReading {
  readonly rawNs: bigint;
  readonly taiNs: bigint;
  readonly earlyNs: bigint;
  readonly lateNs: bigint;
  readonly statisticalNs: bigint;
  readonly ratePpb: bigint;
  /** Of the windows, from `rawNs` on. */
  readonly statisticalGrowthPpb: bigint;
  readonly adversarialGrowthPpb: bigint;
  /** Whether it is bounded well enough to be locked to, with no other. */
  readonly locks: boolean;
}

/** A source without a reading does not count; the problems say why, or nothing in it ever does. */
export interface SourceJudgement {
  readonly problems: ReadonlySet<SourceProblem>;
  /** Which of them stay, whatever the source says next. */
  readonly latched: ReadonlySet<SourceProblem>;
  /** Of a receiver; null for all else. */
  readonly sky: Sky | null;
  readonly reading: SourceReading | null;
}

/** What all sources are judged by. */
export interface JudgementContext {
  readonly profile: TimeProfile;
  /** The last rawAfterNs of the whole evidence. */
  readonly takenRawNs: bigint;
  /** Of our own list, as the evidence tells it. */
  readonly leap: LeapSeconds;
  /** TAI that the evidence before this knew to have passed. */
  readonly passedTaiNs: bigint;
  /** What that evidence had latched of the source. */
  readonly latched: readonly SourceProblem[];
}

export type Frames = RawTimeEvidence['frames'];

/** How much later than UTC says it may be: a leap second that came after our list had ended. */
export function leapAmbiguityNs({ leap }: JudgementContext, taiNs: bigint): bigint {
  const unixSeconds = taiNs / PPB - BigInt(offsetAt(taiNs, leap));
  return unixSeconds > BigInt(leap.expiresUnixSeconds) ? PPB : 0n;
}

/** What the reading process noted that speaks against the source. */
export function noteProblems(frames: Frames): SourceProblem[] {
  return frames.some((frame) => frame.kind === 'note' && isHarmful(frame)) ? ['noted'] : [];
}

/** Of a note. */
export function isHarmful({ bytes }: Pick<TimeFrame, 'bytes'>): boolean {
  return !HARMLESS_NOTES.has(String.fromCharCode(...bytes));
}

/** `reading` told of `rawNs`, with all that has grown until then. */
export function movedTo(reading: SourceReading, rawNs: bigint): SourceReading {
  const elapsedNs = rawNs - reading.rawNs;
  const growNs = grownNs(elapsedNs < 0n ? -elapsedNs : elapsedNs, reading.adversarialGrowthPpb);
  const calmNs = grownNs(elapsedNs < 0n ? -elapsedNs : elapsedNs, reading.statisticalGrowthPpb);
  return {
    ...reading,
    rawNs,
    taiNs: reading.taiNs + elapsedNs + floorDivide(elapsedNs * reading.ratePpb, PPB),
    earlyNs: reading.earlyNs + growNs,
    lateNs: reading.lateNs + growNs,
    statisticalNs: reading.statisticalNs + calmNs,
  };
}
