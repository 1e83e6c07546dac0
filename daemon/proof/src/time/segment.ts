/**
 * The clock between two pieces of time evidence (SPEC.md §9.2): an affine function of
 * CLOCK_MONOTONIC_RAW, which no step of CLOCK_REALTIME moves, with both windows and the level that
 * they leave. Integers only: the native clock gives the same numbers, testdata/time/segment.json.
 */
import type { TimeLevel } from '../entry-fields.ts';
import { TIME_LEVELS } from '../entry-fields.ts';
import { NS_MAX } from '../schema.ts';
import { absolute, floorDivide, smallest } from './integers.ts';

/** One part in 10^9. */
export const PPB = 1_000_000_000n;

export interface Segment {
  readonly baseRawNs: bigint;
  /** TAI at the base. */
  readonly baseTaiNs: bigint;
  /** By how much TAI runs faster than CLOCK_MONOTONIC_RAW, in parts of 10^9; may be negative. */
  readonly ratePpb: bigint;
  /** Half widths at the base; null is unknown. */
  readonly statisticalNs: bigint | null;
  readonly adversarialNs: bigint | null;
  /** By how much the half widths grow, in parts of 10^9 of the time from the base. */
  readonly statisticalGrowthPpb: bigint;
  readonly adversarialGrowthPpb: bigint;
  /** What the evidence allows; it sinks with time. */
  readonly level: TimeLevel;
  /** After this the segment is HOLDOVER at most. */
  readonly lockedUntilRawNs: bigint;
  /** After this DEGRADED at most. */
  readonly holdoverUntilRawNs: bigint;
  /** A wider adversarial window is DEGRADED at most. */
  readonly widthMaxNs: bigint;
}

/** What a segment says at one moment. */
export interface SegmentReading {
  readonly taiNs: bigint;
  readonly statisticalNs: bigint | null;
  readonly adversarialNs: bigint | null;
  readonly level: TimeLevel;
}

/** TAI at `rawNs`, as the segment alone has it. */
export function affineTai({ baseRawNs, baseTaiNs, ratePpb }: Segment, rawNs: bigint): bigint {
  const elapsedNs = rawNs - baseRawNs;
  return baseTaiNs + elapsedNs + floorDivide(elapsedNs * ratePpb, PPB);
}

/**
 * The reading at `rawNs` of an appliance whose last time was `lastTaiNs`: it waits there rather
 * than go back, and both windows hold by how much it waits.
 */
export function readSegment(segment: Segment, rawNs: bigint, lastTaiNs: bigint): SegmentReading {
  const affineNs = affineTai(segment, rawNs);
  const taiNs = affineNs > lastTaiNs ? affineNs : lastTaiNs;
  return readingAt(segment, rawNs, taiNs);
}

/** The windows and the level at `rawNs` of a time `taiNs` that an entry states. */
export function readingAt(segment: Segment, rawNs: bigint, taiNs: bigint): SegmentReading {
  const heldNs = absolute(taiNs - affineTai(segment, rawNs));
  const elapsedNs = absolute(rawNs - segment.baseRawNs);
  const width = (baseNs: bigint | null, growthPpb: bigint): bigint | null =>
    baseNs === null ? null : smallest([baseNs + grownNs(elapsedNs, growthPpb) + heldNs, NS_MAX]);
  const adversarialNs = width(segment.adversarialNs, segment.adversarialGrowthPpb);
  return {
    taiNs,
    statisticalNs: width(segment.statisticalNs, segment.statisticalGrowthPpb),
    adversarialNs,
    level: levelAt(segment, rawNs, adversarialNs),
  };
}

/** The weaker of two levels. */
export function weakerLevel(left: TimeLevel, right: TimeLevel): TimeLevel {
  return TIME_LEVELS.indexOf(left) < TIME_LEVELS.indexOf(right) ? left : right;
}

/** `elapsedNs * growthPpb / 10^9`, rounded up. */
export function grownNs(elapsedNs: bigint, growthPpb: bigint): bigint {
  return -floorDivide(-elapsedNs * growthPpb, PPB);
}

function levelAt(segment: Segment, rawNs: bigint, adversarialNs: bigint | null): TimeLevel {
  if (adversarialNs === null) return 'UNKNOWN';
  if (rawNs > segment.holdoverUntilRawNs || adversarialNs > segment.widthMaxNs) {
    return weakerLevel(segment.level, 'DEGRADED');
  }
  return rawNs > segment.lockedUntilRawNs ? weakerLevel(segment.level, 'HOLDOVER') : segment.level;
}
