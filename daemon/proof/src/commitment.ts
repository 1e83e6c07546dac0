/**
 * Commitments to private bytes (SPEC.md §3): what an entry shows of them, and how an opened one is
 * checked. The salt keeps short values from being found by trial, so it is 32 fresh random bytes,
 * made by the submitter and used once.
 */
import { encodeU64, encodeUtf8, equalBytes } from './bytes.ts';
import { ProofError } from './proof-error.ts';
import type { Codec, Json } from './schema.ts';
import {
  bytes,
  h32,
  INDEX_MAX,
  list,
  names,
  nullable,
  record,
  refine,
  text,
  uint,
} from './schema.ts';
import { HASH_SIZE_BYTES, sha256 } from './sha256.ts';

const DOMAIN = encodeUtf8('kudurru/commit/1\0');
/** Commitments of one envelope. */
export const ENVELOPE_COMMITMENTS_MAX = 8;
/** Longest body that stands in a submit frame, or in a bundle. */
export const BODY_SIZE_BYTES_MAX = 262_144;
/** Longest body that travels to the ledger at all: ahead of its statement, in chunks. */
export const LARGE_BODY_SIZE_BYTES_MAX = 16_777_216;

const ENVELOPE_FIELDS = [
  'input',
  'output',
  'target',
  'systemPrompt',
  'credential',
  'error',
  'onBehalfOf',
  'modelParameters',
] as const;
const SYSTEM_FIELDS = [
  'writerFacts',
  'ownerContact',
  'rawTimeEvidence',
  'eventLog',
  'ruleRequest',
] as const;

export type EnvelopeCommitmentField = (typeof ENVELOPE_FIELDS)[number];
export type SystemCommitmentField = (typeof SYSTEM_FIELDS)[number];
export type CommitmentField = EnvelopeCommitmentField | SystemCommitmentField;

const envelopeField = names(1, ENVELOPE_FIELDS);
const systemField = names(32, SYSTEM_FIELDS);

/** The public side of a commitment. */
export interface Commitment {
  readonly field: CommitmentField;
  /** Length of the committed bytes, at least 1. */
  readonly length: number;
  readonly digest: Uint8Array;
  readonly mediaType: string | null;
  /** Whether the bytes travel to the ledger with the statement. */
  readonly deposited: boolean;
}

/** What opens a commitment. */
export interface Opening {
  readonly field: CommitmentField;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Number of a commitment field. */
export function commitmentFieldNumber(field: CommitmentField): number {
  const isEnvelope = (ENVELOPE_FIELDS as readonly string[]).includes(field);
  const codec = (isEnvelope ? envelopeField : systemField) as Codec<string>;
  return codec.toCbor(field) as number;
}

/** SHA-256("kudurru/commit/1\0" ‖ salt32 ‖ u8(field) ‖ u64(length) ‖ bytes). */
export function commitmentDigest(opening: Opening): Uint8Array {
  if (opening.salt.length !== HASH_SIZE_BYTES) {
    throw new ProofError('envelope-invalid', 'commitment: a salt has 32 bytes');
  }
  const field = Uint8Array.of(commitmentFieldNumber(opening.field));
  const length = encodeU64(BigInt(opening.bytes.length));
  return sha256(DOMAIN, opening.salt, field, length, opening.bytes);
}

/** The commitment to `opening`. @throws ProofError `envelope-invalid` for no bytes or a bad salt */
export function makeCommitment(
  opening: Opening,
  options: { mediaType: string | null; deposited: boolean },
): Commitment {
  if (opening.bytes.length === 0) {
    throw new ProofError('envelope-invalid', 'commitment: there are no bytes to commit to');
  }
  const { field } = opening;
  return { field, length: opening.bytes.length, digest: commitmentDigest(opening), ...options };
}

/** Whether `opening` is what `commitment` was made of. */
export function verifyOpening(commitment: Commitment, opening: Opening): boolean {
  return (
    commitment.field === opening.field &&
    commitment.length === opening.bytes.length &&
    opening.salt.length === HASH_SIZE_BYTES &&
    equalBytes(commitment.digest, commitmentDigest(opening))
  );
}

const deposit: Codec<boolean> = {
  fromCbor: (value, place) => uint(0, 1).fromCbor(value, place) === 1,
  toCbor: (value) => (value ? 1 : 0),
  toJson: (value) => value,
  fromJson(json, place) {
    if (typeof json === 'boolean') return json;
    throw place.error('expected true or false');
  },
};

function commitmentOf<F extends CommitmentField>(
  field: Codec<F>,
): Codec<Commitment & { readonly field: F }> {
  return record({
    field,
    length: uint(1, INDEX_MAX),
    digest: h32,
    mediaType: nullable(text(1, 127)),
    deposited: deposit,
  });
}

function ascending<F extends CommitmentField>(
  codec: Codec<Commitment & { readonly field: F }>,
  max: number,
): Codec<readonly (Commitment & { readonly field: F })[]> {
  return refine(list(codec, 0, max), (commitments) => {
    const fields = commitments.map(({ field }) => commitmentFieldNumber(field));
    const isAscending = fields.every((field, i) => i === 0 || field > (fields[i - 1] ?? 0));
    return isAscending ? null : 'commitment fields do not ascend strictly';
  });
}

/** The list in an envelope. */
export const envelopeCommitments = ascending(
  commitmentOf<EnvelopeCommitmentField>(envelopeField),
  ENVELOPE_COMMITMENTS_MAX,
);
/** The list in a system entry. */
export const systemCommitments = ascending(
  commitmentOf<SystemCommitmentField>(systemField),
  SYSTEM_FIELDS.length,
);

/** Any commitment field by its number. */
export const commitmentField: Codec<CommitmentField> = {
  fromCbor: (value, place) =>
    typeof value === 'number' && value >= 32
      ? systemField.fromCbor(value, place)
      : envelopeField.fromCbor(value, place),
  toCbor: (value) => commitmentFieldNumber(value),
  toJson: (value) => value,
  fromJson: (json, place) =>
    (SYSTEM_FIELDS as readonly Json[]).includes(json)
      ? systemField.fromJson(json, place)
      : envelopeField.fromJson(json, place),
};

/** 32 bytes of salt. */
export const saltCodec = bytes(HASH_SIZE_BYTES, HASH_SIZE_BYTES);
