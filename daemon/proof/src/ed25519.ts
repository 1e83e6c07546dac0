/**
 * Ed25519 (RFC 8032) under one acceptance rule, the same as in the native code: S < L, A and R are
 * canonical encodings and neither is of small order, and encode([S]B - [k]A) equals the R bytes.
 * The cofactor is never cleared, so torsion cannot make one verifier accept what another refuses;
 * a library's own `verify` may, which is why the rule is computed here from curve operations.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';

import { concatBytes, encodeHex, equalBytes } from './bytes.ts';

export const ED25519_PUBLIC_KEY_SIZE_BYTES = 32;
export const ED25519_SIGNATURE_SIZE_BYTES = 64;

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const L = Point.Fn.ORDER;

/** Whether `publicKey` is 32 bytes, canonical, on the curve, and not of small order. */
export function isEd25519PublicKey(publicKey: Uint8Array): boolean {
  return decodeKey(publicKey) !== undefined;
}

/** Whether `signature` of `message` by `publicKey` is accepted; false for any malformed input. */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== ED25519_SIGNATURE_SIZE_BYTES) return false;
  const a = decodeKey(publicKey);
  if (a === undefined) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= L) return false;
  const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % L;
  const expected = multiplyBase(s).subtract(a.multiplyUnsafe(k));
  // Equal bytes make R canonical, being what the encoder produces.
  return equalBytes(expected.toBytes(), r) && !expected.isSmallOrder();
}

/** Decoding a key takes a square root, and a verdict meets the same few keys over and over. */
const RECENT_KEYS_MAX = 64;
const recentKeys = new Map<string, Point | undefined>();

function decodeKey(publicKey: Uint8Array): Point | undefined {
  if (publicKey.length !== ED25519_PUBLIC_KEY_SIZE_BYTES) return undefined;
  const name = encodeHex(publicKey);
  if (recentKeys.has(name)) return recentKeys.get(name);
  if (recentKeys.size >= RECENT_KEYS_MAX) recentKeys.clear();
  const point = decodePoint(publicKey);
  recentKeys.set(name, point);
  return point;
}

function decodePoint(publicKey: Uint8Array): Point | undefined {
  let point: Point;
  try {
    point = Point.fromBytes(publicKey);
  } catch {
    return undefined; // not canonical or not on the curve: the only reasons for which it throws
  }
  return point.isSmallOrder() ? undefined : point;
}

// The base point's precomputed multiples are used by `multiply` only, which refuses zero.
function multiplyBase(scalar: bigint): Point {
  return scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}
