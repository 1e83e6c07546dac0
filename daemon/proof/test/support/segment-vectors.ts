/** The vectors of the segment clock that the native clock is held to, as committed. */
import type { Segment, SegmentReading } from '../../src/time/segment.ts';
import { affineTai, readSegment } from '../../src/time/segment.ts';

type Written = Readonly<Record<string, string | null>>;

export interface SegmentVector {
  readonly name: string;
  readonly segment: Written;
  readonly readings: readonly Written[];
}

const SECOND_NS = 1_000_000_000n;
const HOUR_NS = 3_600n * SECOND_NS;
const TAI_NS = 1_795_336_237_123_456_789n;
const RAW_NS = 86_400_123_456_789n;

const locked: Segment = {
  baseRawNs: RAW_NS,
  baseTaiNs: TAI_NS,
  ratePpb: 0n,
  statisticalNs: 1_234n,
  adversarialNs: 98_765n,
  statisticalGrowthPpb: 37n,
  adversarialGrowthPpb: 50_001n,
  level: 'LOCKED',
  lockedUntilRawNs: RAW_NS + 10n * SECOND_NS,
  holdoverUntilRawNs: RAW_NS + 4n * HOUR_NS,
  widthMaxNs: 100_000_000n,
};

const SEGMENTS: Readonly<Record<string, Segment>> = {
  locked,
  'faster than the raw clock': { ...locked, ratePpb: 35_017n, level: 'ATTESTED' },
  'slower than the raw clock': { ...locked, ratePpb: -35_017n },
  'by one part in 10^9': { ...locked, ratePpb: -1n, adversarialGrowthPpb: 1n },
  'as far off as is allowed': {
    ...locked,
    ratePpb: -1_000_000n,
    statisticalGrowthPpb: 2_000_000n,
    adversarialGrowthPpb: 2_000_000n,
    widthMaxNs: 9_223_372_036_854_775_807n,
  },
  disputed: { ...locked, level: 'DISPUTED' },
  degraded: { ...locked, level: 'DEGRADED' },
  'in holdover': { ...locked, level: 'HOLDOVER', lockedUntilRawNs: RAW_NS },
  unknown: { ...locked, statisticalNs: null, adversarialNs: null, level: 'UNKNOWN' },
  'without an adversarial window': { ...locked, adversarialNs: null },
  'as wide as time': { ...locked, adversarialNs: 9_223_372_036_854_775_807n },
};

const ELAPSED_NS: readonly bigint[] = [
  ...[0n, 1n, 999_999_999n, SECOND_NS, 10n * SECOND_NS, 10n * SECOND_NS + 1n],
  ...[HOUR_NS, 4n * HOUR_NS, 4n * HOUR_NS + 1n, 24n * 365n * HOUR_NS, -1n, -SECOND_NS - 1n],
];
/** What the last time is ahead of the segment's. */
const AHEAD_NS: readonly bigint[] = [-5n * SECOND_NS, 0n, 1n, 7_654_321n];

export function makeSegmentVectors(): SegmentVector[] {
  return Object.entries(SEGMENTS).map(([name, segment]) => ({
    name,
    segment: written(segment),
    readings: ELAPSED_NS.flatMap((elapsedNs) =>
      AHEAD_NS.map((aheadNs) => readingOf(segment, segment.baseRawNs + elapsedNs, aheadNs)),
    ),
  }));
}

function readingOf(segment: Segment, rawNs: bigint, aheadNs: bigint): Written {
  const lastTaiNs = affineTai(segment, rawNs) + aheadNs;
  const reading: SegmentReading = readSegment(segment, rawNs, lastTaiNs);
  return { ...written({ rawNs, lastTaiNs }), ...written(reading) };
}

/** Numbers as decimal strings: they do not fit into those of JSON. */
function written(values: object): Written {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null ? null : String(value)]),
  );
}
