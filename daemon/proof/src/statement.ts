/**
 * What an agent's key signs besides nothing else (SPEC.md §5, §6, §7.3): statements over its
 * actions, requests to open a session, and the proof of possession at its enrolment. Each is the
 * payload of a COSE_Sign1 of its own media type.
 */
import { equalBytes } from './bytes.ts';
import type { Sign1 } from './cose.ts';
import { decodeSign1 } from './cose.ts';
import { agentIdText } from './identifier.ts';
import { leafHash, rootOfLeafHashes } from './merkle.ts';
import type { Codec, ShapeType } from './schema.ts';
import {
  bytes,
  constant,
  decodeWith,
  encodeWith,
  h32,
  index,
  INDEX_MAX,
  nullable,
  Place,
  record,
  refine,
  text,
  uint,
} from './schema.ts';
import { sha256, ZERO_HASH } from './sha256.ts';

export const STATEMENT_TYPE = 'application/kudurru-statement+cose';
export const SESSION_TYPE = 'application/kudurru-session+cose';
export const ENROLMENT_TYPE = 'application/kudurru-enrolment+cose';
/** Actions of one statement. */
export const STATEMENT_ACTIONS_MAX = 1024;
/** Longest COSE_Key: EC2 with both coordinates. */
export const COSE_KEY_SIZE_BYTES_MAX = 128;

const statementShape = {
  version: constant(1),
  ledgerId: h32,
  /** Leaf hash of the `session.open` entry. */
  sessionId: h32,
  firstSequence: index,
  /** SHA-256 of the whole COSE_Sign1 before it in the session; 32 zero bytes in the first. */
  previousStatementHash: h32,
  actionCount: uint(1, STATEMENT_ACTIONS_MAX),
  /** RFC 6962 root over the envelopes' bytes. */
  root: h32,
};
const sessionShape = {
  version: constant(1),
  ledgerId: h32,
  challenge: h32,
  agentId: agentIdText,
  client: text(1, 128),
  resumeSessionId: nullable(h32),
};
const enrolmentShape = {
  version: constant(1),
  ledgerId: h32,
  nonce: h32,
  agentId: agentIdText,
  owner: text(1, 256),
  purpose: text(1, 1024),
  key: bytes(1, COSE_KEY_SIZE_BYTES_MAX),
};

export type StatementPayload = ShapeType<typeof statementShape>;
export type SessionRequest = ShapeType<typeof sessionShape>;
export type EnrolmentRequest = ShapeType<typeof enrolmentShape>;

/** A decoded COSE_Sign1 with its decoded payload. No signature has been checked. */
export interface Signed<T> {
  readonly sign1: Sign1;
  readonly content: T;
}

const statementCodec: Codec<StatementPayload> = refine(record(statementShape), (payload) => {
  const last = payload.firstSequence + BigInt(payload.actionCount) - 1n;
  if (last > INDEX_MAX) return 'the last sequence number is above 2^53-1';
  const isFirst = payload.firstSequence === 0n;
  if (isFirst === equalBytes(payload.previousStatementHash, ZERO_HASH)) return null;
  return 'previousStatementHash is zero exactly in the first statement of a session';
});
const sessionCodec = record(sessionShape);
const enrolmentCodec = record(enrolmentShape);
const statementPlace = new Place('statement-invalid', 'statement');
const sessionPlace = new Place('statement-invalid', 'session request');
const enrolmentPlace = new Place('statement-invalid', 'enrolment');

/** @throws ProofError `statement-invalid` */
export function encodeStatementPayload(payload: StatementPayload): Uint8Array {
  return encodeWith(statementCodec, payload, statementPlace);
}

/** @throws ProofError `statement-invalid` */
export function encodeSessionRequest(request: SessionRequest): Uint8Array {
  return encodeWith(sessionCodec, request, sessionPlace);
}

/** @throws ProofError `statement-invalid` */
export function encodeEnrolmentRequest(request: EnrolmentRequest): Uint8Array {
  return encodeWith(enrolmentCodec, request, enrolmentPlace);
}

/** @throws ProofError `statement-invalid`, `cose-malformed`, `cbor-malformed` */
export function decodeStatement(encoded: Uint8Array): Signed<StatementPayload> {
  return decodeSigned(encoded, STATEMENT_TYPE, statementCodec, statementPlace);
}

/** @throws ProofError `statement-invalid`, `cose-malformed`, `cbor-malformed` */
export function decodeSessionRequest(encoded: Uint8Array): Signed<SessionRequest> {
  return decodeSigned(encoded, SESSION_TYPE, sessionCodec, sessionPlace);
}

/** @throws ProofError `statement-invalid`, `cose-malformed`, `cbor-malformed` */
export function decodeEnrolment(encoded: Uint8Array): Signed<EnrolmentRequest> {
  return decodeSigned(encoded, ENROLMENT_TYPE, enrolmentCodec, enrolmentPlace);
}

/** Root that a statement over these envelopes' bytes signs. */
export function statementRoot(envelopes: readonly Uint8Array[]): Uint8Array {
  return rootOfLeafHashes(envelopes.map(leafHash));
}

/** Hash that the next statement of the session refers to. */
export function statementHash(encoded: Uint8Array): Uint8Array {
  return sha256(encoded);
}

function decodeSigned<T>(
  encoded: Uint8Array,
  type: string,
  ...[codec, place]: [Codec<T>, Place]
): Signed<T> {
  const sign1 = decodeSign1(encoded);
  if (sign1.type !== type) throw place.error(`typ is '${sign1.type}', expected '${type}'`);
  return { sign1, content: decodeWith(codec, sign1.payload, place) };
}
