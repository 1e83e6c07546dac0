/** A batch verifier that checks each distinct signature once: tests repeat most of them. */
import { encodeHex } from '../../src/bytes.ts';
import type { SignatureCheck } from '../../src/public-key.ts';
import { verifySignature } from '../../src/public-key.ts';
import { sha256 } from '../../src/sha256.ts';
import type { BatchVerifier } from '../../src/verify/signatures.ts';

export function rememberingVerifier(): BatchVerifier {
  const known = new Map<string, boolean>();
  return (checks) => Promise.resolve(checks.map((check) => verifyOnce(known, check)));
}

function verifyOnce(known: Map<string, boolean>, check: SignatureCheck): boolean {
  const { key, message, signature } = check;
  const name = encodeHex(sha256(sha256(key.bytes), sha256(message), signature));
  const before = known.get(name);
  if (before !== undefined) return before;
  const isValid = verifySignature(check);
  known.set(name, isValid);
  return isValid;
}
