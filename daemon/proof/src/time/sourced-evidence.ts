/**
 * Time evidence version 2, its public part (SPEC.md §9.4): what was computed of the raw part, so
 * that an entry may leave the building without the bytes. Everything here can be computed again.
 */
import { TIME_LEVELS } from '../entry-fields.ts';
import type { ShapeType } from '../schema.ts';
import {
  constant,
  decodeWith,
  encodeWith,
  h32,
  index,
  INDEX_MAX,
  list,
  names,
  nanoseconds,
  nullable,
  Place,
  rate,
  record,
  refine,
  text,
  uint,
} from '../schema.ts';
import { EVIDENCE_CAUSES, isBreak } from './evidence-cause.ts';
import {
  LATCHED_PROBLEMS,
  SOURCE_PROBLEMS,
  skyState,
  sourceProblem,
  sourceState,
} from './source-verdict.ts';
import { TIME_SOURCES_MAX } from './time-profile.ts';

/** Rates of clocks and of growing windows stay below a part in a thousand, and twice that. */
export const SEGMENT_RATE_PPB_MAX = 1_000_000;
export const SEGMENT_GROWTH_PPB_MAX = 4_000_000;
const TAI_MINUS_UTC_SECONDS_MAX = 1000;
const LEAP_STEPS_MAX = 2;
const LATCHES: ReadonlySet<string> = new Set(LATCHED_PROBLEMS);

const formula = text(1, 64, /^kudurru\/[a-z]+\/[0-9]+$/);

export const segmentCodec = record({
  baseRawNs: nanoseconds,
  baseTaiNs: nanoseconds,
  ratePpb: rate(-SEGMENT_RATE_PPB_MAX, SEGMENT_RATE_PPB_MAX),
  statisticalNs: nullable(nanoseconds),
  adversarialNs: nullable(nanoseconds),
  statisticalGrowthPpb: rate(0, SEGMENT_GROWTH_PPB_MAX),
  adversarialGrowthPpb: rate(0, SEGMENT_GROWTH_PPB_MAX),
  level: names(0, TIME_LEVELS),
  lockedUntilRawNs: nanoseconds,
  holdoverUntilRawNs: nanoseconds,
  widthMaxNs: nanoseconds,
});

const verdict = record({
  /** Place of the source in the profile. */
  source: uint(0, TIME_SOURCES_MAX - 1),
  state: sourceState,
  problems: list(sourceProblem, 0, SOURCE_PROBLEMS.length),
  /** Those of them that stay. */
  latched: refine(list(sourceProblem, 0, LATCHED_PROBLEMS.length), (latched) => {
    const other = latched.find((problem) => !LATCHES.has(problem));
    return other === undefined ? null : `'${other}' is never latched`;
  }),
  /** What a receiver says of spoofing and of jamming; null for all else. */
  sky: nullable(record({ spoofing: skyState, jamming: skyState })),
});

const leapSeconds = record({
  expiresUnixSeconds: uint(0, INDEX_MAX),
  steps: list(
    record({
      fromUnixSeconds: uint(0, INDEX_MAX),
      taiMinusUtcSeconds: uint(0, TAI_MINUS_UTC_SECONDS_MAX),
    }),
    1,
    LEAP_STEPS_MAX,
  ),
});

const shape = {
  version: constant(2),
  cause: names(1, EVIDENCE_CAUSES),
  /** The `time.profile` entry under which it was computed. */
  profileIndex: index,
  /** CLOCK_MONOTONIC_RAW of the last frame: how far the evidence reaches. */
  takenRawNs: nanoseconds,
  segment: segmentCodec,
  /** One a source of the profile, in its order. */
  verdicts: list(verdict, 1, TIME_SOURCES_MAX),
  /** How many independent groups of sources agree, and how many of them may lie. */
  groups: uint(0, TIME_SOURCES_MAX),
  liars: uint(0, TIME_SOURCES_MAX),
  statisticalFormula: formula,
  adversarialFormula: formula,
  /** The last steps of our own list, and when it ends. */
  leapSeconds,
  /** SHA-256 of the raw part. */
  rawHash: h32,
  /** The evidence whose segment this one goes on from or is contradicted by; null without. */
  baseEvidenceIndex: nullable(index),
  /** The evidence under this profile before it, which `latched` and `passedTaiNs` go on from. */
  priorEvidenceIndex: nullable(index),
  /** TAI that is known to have passed: what a source tells to be now is not before it. */
  passedTaiNs: nanoseconds,
};

const codec = refine(record(shape), ({ verdicts, cause, baseEvidenceIndex }) => {
  if (verdicts.some(({ source }, i) => source !== i)) return 'verdicts are not one a source';
  const goesOn = isBreak(cause) && baseEvidenceIndex !== null;
  return goesOn ? `it goes on from evidence of before a break, '${cause}'` : null;
});
const place = new Place('entry-invalid', 'time evidence');

export type SourcedTimeEvidence = ShapeType<typeof shape>;
export type SourceVerdict = SourcedTimeEvidence['verdicts'][number];

/** @throws ProofError `entry-invalid`, `cbor-malformed` */
export function decodeSourcedTimeEvidence(encoded: Uint8Array): SourcedTimeEvidence {
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `entry-invalid` */
export function encodeSourcedTimeEvidence(evidence: SourcedTimeEvidence): Uint8Array {
  return encodeWith(codec, evidence, place);
}
