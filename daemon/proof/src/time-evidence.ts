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

const codec = record(shape);
const place = new Place('entry-invalid', 'time evidence');

/** @throws ProofError `entry-invalid`, `cbor-malformed` */
export function decodeTimeEvidence(encoded: Uint8Array): TimeEvidence {
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `entry-invalid` */
export function encodeTimeEvidence(evidence: TimeEvidence): Uint8Array {
  return encodeWith(codec, evidence, place);
}

/** What the two readings span in TAI, in nanoseconds; the clock may go back between them. */
export function taiRangeOf(evidence: TimeEvidence): { earliestNs: bigint; latestNs: bigint } {
  const { realtimeBeforeNs: before, realtimeAfterNs: after } = evidence;
  const offsetNs = BigInt(evidence.taiMinusUtcSeconds) * NS_PER_SECOND;
  const isForward = before <= after;
  return {
    earliestNs: (isForward ? before : after) + offsetNs,
    latestNs: (isForward ? after : before) + offsetNs,
  };
}
