/**
 * The attestation challenge (SPEC.md §14): three files by which a reader at a distance learns that
 * an appliance's attestation key lives in the TPM that holds its endorsement key. Whose TPM that is
 * says the endorsement key's certificate (`verifyEndorsement`), not the answer.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

import type { ApplianceDocument } from './appliance.ts';
import { decodeApplianceDocument } from './appliance.ts';
import { concatBytes, encodeUtf8, equalBytes } from './bytes.ts';
import { applianceIdOf } from './identifier.ts';
import type { ShapeType } from './schema.ts';
import {
  bytes,
  constant,
  decodeWith,
  encodeWith,
  h32,
  Place,
  record,
  refine,
  text,
} from './schema.ts';
import { sha256 } from './sha256.ts';
import { makeCredential } from './tpm-credential.ts';
import { parseSigningPublic } from './tpm-public.ts';

/** Of any of the three files; the longest is the reader's own, which holds the document. */
export const CHALLENGE_FILE_SIZE_BYTES_MAX = 131_072;
const BLOB_SIZE_BYTES_MAX = 256;
const ENCRYPTED_SECRET_SIZE_BYTES_MAX = 1024;
const CHALLENGE_SIZE_BYTES_MAX = 2048;
const SECRET_SIZE_BYTES = 32;
const NAME_SIZE_BYTES = 34;
const PROOF_DOMAIN = encodeUtf8('kudurru/challenge-answer/1\0');

const challengeShape = {
  form: text(1, 32, /^kudurru challenge$/u),
  version: constant(1),
  /** Whose it is: identifier of the appliance document (§2). */
  applianceId: h32,
  /** The attestation key's. */
  akName: bytes(NAME_SIZE_BYTES, NAME_SIZE_BYTES),
  /** TPM2B_ID_OBJECT. */
  credentialBlob: bytes(1, BLOB_SIZE_BYTES_MAX),
  /** TPM2B_ENCRYPTED_SECRET. */
  encryptedSecret: bytes(1, ENCRYPTED_SECRET_SIZE_BYTES_MAX),
};
const answerShape = {
  form: text(1, 32, /^kudurru challenge answer$/u),
  version: constant(1),
  /** SHA-256 of the challenge's file. */
  challengeHash: h32,
  /** HMAC-SHA-256 under the credential's secret. */
  proof: h32,
};
const keptShape = {
  form: text(1, 32, /^kudurru challenge secret$/u),
  version: constant(1),
  challenge: bytes(1, CHALLENGE_SIZE_BYTES_MAX),
  secret: bytes(SECRET_SIZE_BYTES, SECRET_SIZE_BYTES),
  applianceDocument: bytes(1, CHALLENGE_FILE_SIZE_BYTES_MAX - CHALLENGE_SIZE_BYTES_MAX - 128),
};

/** What is carried to the appliance. */
export type AttestationChallenge = ShapeType<typeof challengeShape>;
/** What comes back. */
export type ChallengeAnswer = ShapeType<typeof answerShape>;
/** What the reader keeps, and shows to nobody. */
export type KeptChallenge = ShapeType<typeof keptShape>;

const challengePlace = new Place('challenge-invalid', 'challenge');
const answerPlace = new Place('challenge-invalid', 'challenge answer');
const keptPlace = new Place('challenge-invalid', 'challenge secret');
const challengeCodec = record(challengeShape);
const answerCodec = record(answerShape);
const keptCodec = refine(record(keptShape), ({ challenge, applianceDocument }) => {
  const { applianceId } = decodeAttestationChallenge(challenge);
  const isOfIt = equalBytes(applianceIdOf(applianceDocument), applianceId);
  return isOfIt ? null : 'the challenge is for another appliance than the document';
});

/** @throws ProofError `challenge-invalid`, `cbor-malformed` */
export function decodeAttestationChallenge(file: Uint8Array): AttestationChallenge {
  return decodeWith(challengeCodec, file, challengePlace);
}

/** @throws ProofError `challenge-invalid` */
export function encodeAttestationChallenge(value: AttestationChallenge): Uint8Array {
  return encodeWith(challengeCodec, value, challengePlace);
}

/** @throws ProofError `challenge-invalid`, `cbor-malformed` */
export function decodeChallengeAnswer(file: Uint8Array): ChallengeAnswer {
  return decodeWith(answerCodec, file, answerPlace);
}

/** @throws ProofError `challenge-invalid` */
export function encodeChallengeAnswer(value: ChallengeAnswer): Uint8Array {
  return encodeWith(answerCodec, value, answerPlace);
}

/** @throws ProofError `challenge-invalid`, `cbor-malformed` */
export function decodeKeptChallenge(file: Uint8Array): KeptChallenge {
  return decodeWith(keptCodec, file, keptPlace);
}

/** @throws ProofError `challenge-invalid`, `cbor-malformed` */
export function encodeKeptChallenge(value: KeptChallenge): Uint8Array {
  return encodeWith(keptCodec, value, keptPlace);
}

export interface ChallengeOrder {
  /** As the genesis entry holds it. */
  readonly applianceDocument: Uint8Array;
  /** 32 fresh random bytes. */
  readonly secret: Uint8Array;
  /** `CREDENTIAL_RANDOMNESS_SIZE_BYTES` fresh random bytes. */
  readonly randomness: Uint8Array;
}

/**
 * Both files of the reader. @throws ProofError `entry-invalid`, `tpm-malformed`, `key-malformed` of
 * the document; `limit-exceeded`, `challenge-invalid` of a length
 */
export async function makeAttestationChallenge(
  order: ChallengeOrder,
): Promise<{ readonly challenge: Uint8Array; readonly kept: Uint8Array }> {
  const { applianceDocument, secret, randomness } = order;
  const { ekPublic, akPublic } = decodeApplianceDocument(applianceDocument);
  const { name: akName } = parseSigningPublic(akPublic);
  const challenge = encodeAttestationChallenge({
    form: 'kudurru challenge',
    version: 1,
    applianceId: applianceIdOf(applianceDocument),
    akName,
    ...(await makeCredential({ ekPublic, akName, secret, randomness })),
  });
  const form = 'kudurru challenge secret';
  const kept = encodeKeptChallenge({ form, version: 1, challenge, secret, applianceDocument });
  return { challenge, kept };
}

/** By the appliance: `secret` is what its TPM found in the credential of `challenge`. */
export function answerChallenge(challenge: Uint8Array, secret: Uint8Array): Uint8Array {
  const challengeHash = sha256(challenge);
  return encodeChallengeAnswer({
    form: 'kudurru challenge answer',
    version: 1,
    challengeHash,
    proof: proofOf(challengeHash, secret),
  });
}

export interface AnswerReport {
  readonly outcome:
    /** The attestation key is in the TPM that holds the endorsement key. */
    | 'proven'
    /** The answer is to another challenge. */
    | 'another-challenge'
    /** Whoever answered did not know the secret. */
    | 'wrong';
  readonly challenge: AttestationChallenge;
  readonly document: ApplianceDocument;
}

/** @throws ProofError `challenge-invalid`, `cbor-malformed`, `entry-invalid` */
export function checkChallengeAnswer(kept: Uint8Array, answer: Uint8Array): AnswerReport {
  const { challenge: asked, secret, applianceDocument } = decodeKeptChallenge(kept);
  const { challengeHash, proof } = decodeChallengeAnswer(answer);
  const report = {
    challenge: decodeAttestationChallenge(asked),
    document: decodeApplianceDocument(applianceDocument),
  };
  const hash = sha256(asked);
  if (!equalBytes(challengeHash, hash)) return { outcome: 'another-challenge', ...report };
  const isProven = equalBytes(proof, proofOf(hash, secret));
  return { outcome: isProven ? 'proven' : 'wrong', ...report };
}

function proofOf(challengeHash: Uint8Array, secret: Uint8Array): Uint8Array {
  return hmac(nobleSha256, secret, concatBytes(PROOF_DOMAIN, challengeHash));
}
