/**
 * The raw part of time evidence (SPEC.md §9.4): every datagram, sentence and clock bracket that a
 * reading of time was made of, byte by byte as it came, so that a reader can make it again. The
 * private body of field 34.
 */
import { ProofError } from '../proof-error.ts';
import type { ShapeType } from '../schema.ts';
import {
  bytes,
  constant,
  decodeWith,
  encodeWith,
  list,
  names,
  nanoseconds,
  nullable,
  Place,
  record,
  refine,
  uint,
} from '../schema.ts';
import { TIME_SOURCES_MAX } from './time-profile.ts';

/** Below the 262,144 bytes of a body, so that it stands beside its entry. */
export const RAW_TIME_EVIDENCE_SIZE_BYTES_MAX = 245_760;
export const TIME_FRAMES_MAX = 4096;
/** The longest of a receiver's frames; a management message has at most 1,500. */
export const TIME_FRAME_SIZE_BYTES_MAX = 4_200;

export const TIME_FRAME_KINDS = [
  'ptp-management',
  'nmea',
  'ubx',
  'gnss-other',
  'clock-bracket',
  'phc-bracket',
  'pps',
  'note',
] as const;
export type TimeFrameKind = (typeof TIME_FRAME_KINDS)[number];

const frame = refine(
  record({
    /** Place of the source in the profile. */
    source: uint(0, TIME_SOURCES_MAX - 1),
    kind: names(1, TIME_FRAME_KINDS),
    /** CLOCK_MONOTONIC_RAW before and after it came (of a pulse: before and after its edge). */
    rawBeforeNs: nanoseconds,
    rawAfterNs: nanoseconds,
    /** What the disciplined clock said between the two; null where it was not asked. */
    clockNs: nullable(nanoseconds),
    bytes: bytes(0, TIME_FRAME_SIZE_BYTES_MAX),
  }),
  ({ rawBeforeNs, rawAfterNs }) =>
    rawBeforeNs <= rawAfterNs ? null : 'rawBeforeNs is after rawAfterNs',
);

const shape = {
  version: constant(2),
  /** In the order in which they came. */
  frames: refine(list(frame, 1, TIME_FRAMES_MAX), (frames) =>
    frames.every(({ rawAfterNs }, i) => rawAfterNs >= (frames[i - 1]?.rawAfterNs ?? 0n))
      ? null
      : 'is not in the order of rawAfterNs',
  ),
};
const codec = record(shape);
const place = new Place('entry-invalid', 'raw time evidence');

export type RawTimeEvidence = ShapeType<typeof shape>;
export type TimeFrame = RawTimeEvidence['frames'][number];

/** @throws ProofError `entry-invalid`, `cbor-malformed`, `limit-exceeded` */
export function decodeRawTimeEvidence(encoded: Uint8Array): RawTimeEvidence {
  requireSize(encoded);
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `entry-invalid`, `limit-exceeded` */
export function encodeRawTimeEvidence(raw: RawTimeEvidence): Uint8Array {
  const encoded = encodeWith(codec, raw, place);
  requireSize(encoded);
  return encoded;
}

function requireSize({ length }: Uint8Array): void {
  if (length <= RAW_TIME_EVIDENCE_SIZE_BYTES_MAX) return;
  const max = RAW_TIME_EVIDENCE_SIZE_BYTES_MAX;
  throw new ProofError('limit-exceeded', `raw time evidence: longer than ${max} bytes`);
}
