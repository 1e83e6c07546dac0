// Hashing and RFC 6962 trees in native code.
import { checkArrayOfBytes, checkBytes } from './arguments.ts';
import { nativePart } from './load.ts';

interface CryptoPart {
  sha256(data: Uint8Array): Uint8Array;
  leafHash(entry: Uint8Array): Uint8Array;
  treeRoot(entries: readonly Uint8Array[]): Uint8Array;
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
