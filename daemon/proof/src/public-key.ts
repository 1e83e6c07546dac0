/**
 * The two kinds of public key that sign anything in the formats, and the one place where a kind is
 * turned into a signature check.
 */
import { isEd25519PublicKey, verifyEd25519 } from './ed25519.ts';
import { isP256Point, verifyEs256 } from './es256.ts';
import { ProofError } from './proof-error.ts';

/** `Ed25519`: 32 bytes (RFC 8032). `ESP256`: 65 bytes, 0x04 ‖ x ‖ y on P-256. */
export type KeyAlgorithm = 'Ed25519' | 'ESP256';

export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  readonly bytes: Uint8Array;
}

/** Size in bytes of a signature of either kind. */
export const SIGNATURE_SIZE_BYTES = 64;

/** One signature to check. */
export interface SignatureCheck {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throws unless `key` is canonical and safe. @throws ProofError `key-malformed` */
export function requirePublicKey(key: PublicKey): void {
  const isValid =
    key.algorithm === 'Ed25519' ? isEd25519PublicKey(key.bytes) : isP256Point(key.bytes);
  if (!isValid) {
    throw new ProofError('key-malformed', `key: not an acceptable ${key.algorithm} public key`);
  }
}

/** Whether `check.signature` (64 bytes) is accepted; false for any malformed input. */
export function verifySignature(check: SignatureCheck): boolean {
  const { key, message, signature } = check;
  return key.algorithm === 'Ed25519'
    ? verifyEd25519(key.bytes, message, signature)
    : verifyEs256(key.bytes, message, signature);
}
