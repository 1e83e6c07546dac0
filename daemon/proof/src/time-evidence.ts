/** Time evidence version 1 (SPEC.md §9): one reading of the system clock, as it was. */
import type { ShapeType } from './schema.ts';
import {
  constant,
  decodeWith,
  encodeWith,
  INDEX_MAX,
  nanoseconds,
  nullable,
  Place,
  record,
  refine,
  text,
  uint,
} from './schema.ts';

const NS_PER_SECOND = 1_000_000_000n;
const TAI_MINUS_UTC_SECONDS_MAX = 1000;

const shape = {
  version: constant(1),
  source: text(12, 12, /^system-clock$/),
  /** CLOCK_REALTIME just before and just after CLOCK_MONOTONIC_RAW was read. */
  realtimeBeforeNs: nanoseconds,
  monotonicRawNs: nanoseconds,
  realtimeAfterNs: nanoseconds,
  taiMinusUtcSeconds: uint(0, TAI_MINUS_UTC_SECONDS_MAX),
  leapListExpiryUnixSeconds: uint(0, INDEX_MAX),
  /** What adjtimex said, or null where it was not asked. */
  kernelState: nullable(
    record({
      state: uint(0, INDEX_MAX),
      status: uint(0, INDEX_MAX),
      maxErrorUs: uint(0, INDEX_MAX),
      estimatedErrorUs: uint(0, INDEX_MAX),
    }),
  ),
};

export type TimeEvidence = ShapeType<typeof shape>;

const codec = refine(record(shape), (evidence) =>
  evidence.realtimeBeforeNs > evidence.realtimeAfterNs
    ? 'the clock went back between readings'
    : null,
);
const place = new Place('entry-invalid', 'time evidence');

/** @throws ProofError `entry-invalid`, `cbor-malformed` */
export function decodeTimeEvidence(encoded: Uint8Array): TimeEvidence {
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `entry-invalid` */
export function encodeTimeEvidence(evidence: TimeEvidence): Uint8Array {
  return encodeWith(codec, evidence, place);
}

/** The readings in TAI, in nanoseconds. */
export function taiRangeOf(evidence: TimeEvidence): { earliestNs: bigint; latestNs: bigint } {
  const offsetNs = BigInt(evidence.taiMinusUtcSeconds) * NS_PER_SECOND;
  return {
    earliestNs: evidence.realtimeBeforeNs + offsetNs,
    latestNs: evidence.realtimeAfterNs + offsetNs,
  };
}
