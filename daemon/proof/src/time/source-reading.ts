/** What one healthy source says of the time, and what a judgement of a source is. */
import type { RawTimeEvidence } from './raw-time-evidence.ts';
import { grownNs, PPB } from './segment.ts';
import { floorDivide } from './integers.ts';
import type { SourceProblem } from './source-verdict.ts';
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
  readonly problems: readonly SourceProblem[];
  readonly reading: SourceReading | null;
}

/** What all sources are judged by. */
export interface JudgementContext {
  readonly profile: TimeProfile;
  /** The last rawAfterNs of the whole evidence. */
  readonly takenRawNs: bigint;
  /** TAI−UTC of our own table. */
  readonly taiMinusUtcSeconds: number;
  readonly leapListExpiryUnixSeconds: number;
}

export type Frames = RawTimeEvidence['frames'];

/** How much later than UTC says it may be: a leap second that came after our table had ended. */
export function leapAmbiguityNs(context: JudgementContext, taiNs: bigint): bigint {
  const unixSeconds = taiNs / PPB - BigInt(context.taiMinusUtcSeconds);
  return unixSeconds > BigInt(context.leapListExpiryUnixSeconds) ? PPB : 0n;
}

/** What the reading process noted that speaks against the source. */
export function noteProblems(frames: Frames): SourceProblem[] {
  const isNoted = frames.some(
    ({ kind, bytes }) => kind === 'note' && !HARMLESS_NOTES.has(String.fromCharCode(...bytes)),
  );
  return isNoted ? ['noted'] : [];
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
