/** SHA-256, the only hash of the formats. */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** Length of a hash in bytes. */
export const HASH_SIZE_BYTES = 32;

/** 32 zero bytes: the previous leaf hash of the entry at index 0. */
export const ZERO_HASH: Uint8Array = new Uint8Array(HASH_SIZE_BYTES);

/** SHA-256 of the concatenation of `parts`. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}
