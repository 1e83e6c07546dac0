// Commitments to private bytes, and how those bytes are sealed at rest (SPEC.md §3).
import { checkBytes, checkInteger } from './arguments.ts';
import { nativePart } from './load.ts';

const saltSizeBytes = 32;
const digestSizeBytes = 32;
const scopeKeySizeBytes = 32;
const tagSizeBytes = 16;

/** What a sealed body is bound to. */
export interface BodyKey {
  /** The erasure scope's key, 32 bytes. */
  readonly scopeKey: Uint8Array;
  /** The digest of the body's commitment, 32 bytes. */
  readonly digest: Uint8Array;
}

export interface PlainBody {
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
}

interface BodyPart {
  commitment(salt: Uint8Array, field: number, bytes: Uint8Array): Uint8Array;
  sealBody(
    scopeKey: Uint8Array,
    digest: Uint8Array,
    salt: Uint8Array,
    bytes: Uint8Array,
  ): Uint8Array;
  openBody(scopeKey: Uint8Array, digest: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

const native = nativePart<BodyPart>();

/** The digest that stands for `body` as the given field (1..255). */
export function commitment(field: number, body: PlainBody): Uint8Array {
  checkInteger(field, 'field', { min: 1, max: 255 });
  checkBody(body);
  return native.commitment(body.salt, field, body.bytes);
}

/** Ciphertext of salt ‖ bytes, and the tag: 48 bytes longer than `body.bytes`. */
export function sealBody(key: BodyKey, body: PlainBody): Uint8Array {
  checkKey(key);
  checkBody(body);
  return native.sealBody(key.scopeKey, key.digest, body.salt, body.bytes);
}

/** The body, or null if it was sealed under another key or digest, or was changed. */
export function openBody(key: BodyKey, sealed: Uint8Array): PlainBody | null {
  checkKey(key);
  checkBytes(sealed, 'sealed');
  if (sealed.byteLength < saltSizeBytes + tagSizeBytes) return null;
  const opened = native.openBody(key.scopeKey, key.digest, sealed);
  if (opened === null) return null;
  return { salt: opened.subarray(0, saltSizeBytes), bytes: opened.subarray(saltSizeBytes) };
}

function checkKey(key: BodyKey): void {
  checkBytes(key.scopeKey, 'key.scopeKey', scopeKeySizeBytes);
  checkBytes(key.digest, 'key.digest', digestSizeBytes);
}

function checkBody(body: PlainBody): void {
  checkBytes(body.salt, 'body.salt', saltSizeBytes);
  checkBytes(body.bytes, 'body.bytes');
}
