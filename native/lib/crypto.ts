// Hashing, RFC 6962 trees and the check of encodings.
import { checkArrayOfBytes, checkBytes } from './arguments.ts';
import { nativePart } from './load.ts';

/** Why bytes are not one deterministic CBOR item (SPEC.md §1); 'none' if they are. */
export type CborVerdict =
  | 'none'
  | 'truncated'
  | 'not-shortest'
  | 'indefinite-length'
  | 'simple-value'
  | 'tag'
  | 'utf8'
  | 'key-type'
  | 'key-order'
  | 'depth'
  | 'trailing-bytes';

interface CryptoPart {
  sha256(data: Uint8Array): Uint8Array;
  leafHash(entry: Uint8Array): Uint8Array;
  treeRoot(entries: readonly Uint8Array[]): Uint8Array;
  cborCheck(bytes: Uint8Array): CborVerdict;
}

const native = nativePart<CryptoPart>();

export function sha256(data: Uint8Array): Uint8Array {
  checkBytes(data, 'data');
  return native.sha256(data);
}

/** SHA-256(0x00 ‖ entry), RFC 6962 §2.1. */
export function leafHash(entry: Uint8Array): Uint8Array {
  checkBytes(entry, 'entry');
  return native.leafHash(entry);
}

/** The RFC 6962 root over whole entries (not over their hashes). */
export function treeRoot(entries: readonly Uint8Array[]): Uint8Array {
  checkArrayOfBytes(entries, 'entries');
  return native.treeRoot(entries);
}

/** The first thing that keeps `bytes` from being one deterministic CBOR item, or 'none'. */
export function cborCheck(bytes: Uint8Array): CborVerdict {
  checkBytes(bytes, 'bytes');
  return native.cborCheck(bytes);
}
