/**
 * ECDSA in the certificates of endorsement keys: P-256 and P-384, DER signatures, with SHA-256 or
 * SHA-384. What Kudurru itself signs is Ed25519 or ESP256 (`public-key.ts`).
 */
import { p256, p384 } from '@noble/curves/nist.js';

import type { HashName } from './rsa.ts';
import { hashBytes } from './rsa.ts';

export type CurveName = 'P-256' | 'P-384';

/** Whether `point` is 0x04 ‖ x ‖ y on the curve. */
export function isPointOf(curve: CurveName, point: Uint8Array): boolean {
  const { Point, lengths } = curveOf(curve);
  if (point.length !== lengths.publicKeyUncompressed || point[0] !== 4) return false;
  try {
    Point.fromBytes(point).assertValidity();
    return true;
  } catch {
    return false; // not on the curve or a coordinate not below p: the only reasons to throw
  }
}

export interface EcdsaKey {
  readonly curve: CurveName;
  /** 0x04 ‖ x ‖ y. */
  readonly point: Uint8Array;
}

/** Whether the DER `signature` of `message` is valid; false for malformed input. */
export function verifyEcdsa(
  { curve, point }: EcdsaKey,
  hash: HashName,
  { message, signature }: { readonly message: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const options = { lowS: false, prehash: false, format: 'der' } as const;
  try {
    return curveOf(curve).verify(signature, hashBytes(hash, message), point, options);
  } catch {
    return false; // a signature that is no DER
  }
}

function curveOf(name: CurveName): typeof p256 {
  return name === 'P-256' ? p256 : p384;
}
