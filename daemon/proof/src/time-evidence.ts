/**
 * Time evidence of either version: 1 is one reading of the system clock as it was (SPEC.md §9), 2
 * is of named sources (§9.4).
 */
import { decodeCbor, isCborArray } from './cbor.ts';
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
import { affineTai, readingAt } from './time/segment.ts';
import type { SourcedTimeEvidence } from './time/sourced-evidence.ts';
import { decodeSourcedTimeEvidence } from './time/sourced-evidence.ts';

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

/** Of either version, told apart by `version`. */
export type AnyTimeEvidence = TimeEvidence | SourcedTimeEvidence;

/** @throws ProofError `entry-invalid`, `cbor-malformed` */
export function decodeAnyTimeEvidence(encoded: Uint8Array): AnyTimeEvidence {
  const value = decodeCbor(encoded);
  const isSourced = isCborArray(value) && value[0] === 2;
  return isSourced ? decodeSourcedTimeEvidence(encoded) : decodeTimeEvidence(encoded);
}

/** CLOCK_MONOTONIC_RAW when the evidence was taken. */
export function rawTimeOf(evidence: AnyTimeEvidence): bigint {
  return evidence.version === 1 ? evidence.monotonicRawNs : evidence.takenRawNs;
}

/**
 * What the evidence says of TAI when it was taken, in nanoseconds: of version 1 what its two
 * readings span (the clock may go back between them), of version 2 the adversarial window.
 */
export function taiRangeOf(evidence: AnyTimeEvidence): { earliestNs: bigint; latestNs: bigint } {
  if (evidence.version === 2) {
    const { segment, takenRawNs } = evidence;
    const taiNs = affineTai(segment, takenRawNs);
    const halfNs = readingAt(segment, takenRawNs, taiNs).adversarialNs ?? 0n;
    return { earliestNs: taiNs - halfNs, latestNs: taiNs + halfNs };
  }
  const { realtimeBeforeNs: before, realtimeAfterNs: after } = evidence;
  const offsetNs = BigInt(evidence.taiMinusUtcSeconds) * NS_PER_SECOND;
  const isForward = before <= after;
  return {
    earliestNs: (isForward ? before : after) + offsetNs,
    latestNs: (isForward ? after : before) + offsetNs,
  };
}
