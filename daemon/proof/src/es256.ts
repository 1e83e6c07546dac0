/**
 * ECDSA on P-256 with SHA-256. Signatures are r ‖ s of 32 bytes each (IEEE P1363), both in 1..n-1;
 * a high s is accepted, as TPMs and tokens produce it. DER occurs only in C2SP signature lines of
 * type 0x02 and is accepted in its one distinguished form.
 */
import { p256 } from '@noble/curves/nist.js';

import { concatBytes, equalBytes, decodeHex } from './bytes.ts';
import { ProofError } from './proof-error.ts';

export const ES256_SIGNATURE_SIZE_BYTES = 64;
/** 0x04 ‖ x ‖ y. */
export const P256_POINT_SIZE_BYTES = 65;

// SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480), up to the point.
const SPKI_PREFIX = decodeHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');
const COORDINATE_SIZE_BYTES = 32;

/** Whether `point` is 0x04 ‖ x ‖ y with x, y below p and on the curve. */
export function isP256Point(point: Uint8Array): boolean {
  if (point.length !== P256_POINT_SIZE_BYTES || point[0] !== 4) return false;
  try {
    p256.Point.fromBytes(point).assertValidity();
    return true;
  } catch {
    return false; // not on the curve or a coordinate not below p: the only reasons to throw
  }
}

/** The accepted SPKI encoding (DER) of an uncompressed P-256 `point`. */
export function spkiOfP256Point(point: Uint8Array): Uint8Array {
  requireP256Point(point);
  return concatBytes(SPKI_PREFIX, point);
}

/** The point of an SPKI in that encoding. @throws ProofError `key-malformed` */
export function p256PointOfSpki(spki: Uint8Array): Uint8Array {
  const point = spki.subarray(SPKI_PREFIX.length);
  if (!equalBytes(spki.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX)) {
    throw new ProofError('key-malformed', 'spki: not an uncompressed P-256 public key');
  }
  requireP256Point(point);
  return point;
}

/** Throws unless `isP256Point(point)`. @throws ProofError `key-malformed` */
export function requireP256Point(point: Uint8Array): void {
  if (!isP256Point(point)) {
    throw new ProofError('key-malformed', 'p-256: not an uncompressed point of the curve');
  }
}

/** Whether the P1363 `signature` of `message` by `point` is valid; false for malformed input. */
export function verifyEs256(
  point: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== ES256_SIGNATURE_SIZE_BYTES || !isP256Point(point)) return false;
  return p256.verify(signature, message, point, { lowS: false, prehash: true, format: 'compact' });
}

/**
 * The P1363 form of a DER ECDSA signature: one SEQUENCE of two positive, minimal INTEGERs of at
 * most 32 significant bytes, nothing before or after. @throws ProofError `signature-malformed`
 */
export function p1363OfDer(der: Uint8Array): Uint8Array {
  // The content is at most 2 * (2 + 33) bytes, so the length always takes the one-byte form.
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) throw malformedDer();
  const r = readInteger(der, 2);
  const s = readInteger(der, r.end);
  if (s.end !== der.length) throw malformedDer();
  return concatBytes(r.coordinate, s.coordinate);
}

/** The DER form of a P1363 signature. @throws ProofError `signature-malformed` */
export function derOfP1363(signature: Uint8Array): Uint8Array {
  if (signature.length !== ES256_SIGNATURE_SIZE_BYTES) {
    throw new ProofError('signature-malformed', 'es256: a signature has 64 bytes');
  }
  const r = writeInteger(signature.subarray(0, 32));
  const s = writeInteger(signature.subarray(32));
  return concatBytes(Uint8Array.of(0x30, r.length + s.length), r, s);
}

function readInteger(der: Uint8Array, at: number): { coordinate: Uint8Array; end: number } {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  if (der[at] !== 2 || length === 0 || end > der.length) throw malformedDer();
  let digits = der.subarray(at + 2, end);
  const [first = 0, second = 0] = digits;
  if (first >= 0x80) throw malformedDer(); // negative
  if (first === 0) {
    if (length === 1 || second < 0x80) throw malformedDer(); // zero, or not minimal
    digits = digits.subarray(1);
  }
  if (digits.length > COORDINATE_SIZE_BYTES) throw malformedDer();
  const coordinate = new Uint8Array(COORDINATE_SIZE_BYTES);
  coordinate.set(digits, COORDINATE_SIZE_BYTES - digits.length);
  return { coordinate, end };
}

function writeInteger(coordinate: Uint8Array): Uint8Array {
  const start = coordinate.findIndex((byte) => byte !== 0);
  if (start < 0) throw new ProofError('signature-malformed', 'es256: r and s are not zero');
  const digits = coordinate.subarray(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return concatBytes(Uint8Array.of(2, sign.length + digits.length), sign, digits);
}

function malformedDer(): ProofError {
  return new ProofError('signature-malformed', 'es256: not a DER signature of P-256');
}
