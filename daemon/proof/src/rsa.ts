/**
 * RSA with a public key (RFC 8017), for endorsement keys and their certificates: OAEP encryption,
 * and verification of PKCS #1 v1.5 and PSS signatures. No private key is ever here, and the one
 * secret that is encrypted belongs to who runs this.
 */
import { sha256 as nobleSha256, sha384 as nobleSha384 } from '@noble/hashes/sha2.js';

import { concatBytes, decodeHex, encodeHex, equalBytes } from './bytes.ts';
import { ProofError } from './proof-error.ts';

/** The hashes that RSA, ECDSA and the names of TPM keys use here. */
export type HashName = 'SHA-256' | 'SHA-384';

export interface RsaPublicKey {
  readonly modulus: bigint;
  readonly exponent: bigint;
}

const MODULUS_BITS_MIN = 2048;
const MODULUS_BITS_MAX = 4096;
/** F4: what TPMs and their vendors use; every smaller one invites forgeries. */
const EXPONENT = 65_537n;
/** DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO: Readonly<Record<HashName, Uint8Array>> = {
  'SHA-256': decodeHex('3031300d060960864801650304020105000420'),
  'SHA-384': decodeHex('3041300d060960864801650304020205000430'),
};

/** Size of a digest in bytes. */
export function hashSizeBytes(name: HashName): number {
  return name === 'SHA-256' ? 32 : 48;
}

/** The digest of the concatenation of `parts`. */
export function hashBytes(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const message = concatBytes(...parts);
  return name === 'SHA-256' ? nobleSha256(message) : nobleSha384(message);
}

/**
 * The key of a big-endian modulus of 2048 to 4096 bits and the exponent 65537.
 * @throws ProofError `key-malformed`
 */
export function rsaPublicKey(modulusBytes: Uint8Array, exponent: bigint): RsaPublicKey {
  const modulus = integerOf(modulusBytes);
  const bits = modulus.toString(2).length;
  const isSound = bits >= MODULUS_BITS_MIN && bits <= MODULUS_BITS_MAX && (modulus & 1n) === 1n;
  if (!isSound || exponent !== EXPONENT) {
    throw new ProofError('key-malformed', `rsa: ${bits} bits and exponent ${exponent}`);
  }
  return { modulus, exponent };
}

/** What OAEP hides. */
export interface OaepInput {
  readonly hash: HashName;
  /** The label L. */
  readonly label: Uint8Array;
  readonly message: Uint8Array;
  /** As long as a digest, fresh random. */
  readonly seed: Uint8Array;
}

/** RSAES-OAEP (§7.1.1). @throws ProofError `limit-exceeded` where the message does not fit */
export function encryptOaep(key: RsaPublicKey, input: OaepInput): Uint8Array {
  const { hash, label, message, seed } = input;
  const size = hashSizeBytes(hash);
  const keySize = sizeBytesOf(key);
  if (seed.length !== size || message.length > keySize - 2 * size - 2) {
    throw new ProofError('limit-exceeded', 'rsa: the message or the seed has the wrong length');
  }
  const padding = new Uint8Array(keySize - message.length - 2 * size - 2);
  const block = concatBytes(hashBytes(hash, label), padding, Uint8Array.of(1), message);
  const maskedBlock = xor(block, mask(hash, seed, block.length));
  const maskedSeed = xor(seed, mask(hash, maskedBlock, size));
  const encoded = concatBytes(Uint8Array.of(0), maskedSeed, maskedBlock);
  return bytesOf(power(key, integerOf(encoded)), keySize);
}

/** Whether a PKCS #1 v1.5 `signature` of `message` is valid (§8.2.2). */
export function verifyRsaPkcs1(
  key: RsaPublicKey,
  hash: HashName,
  { message, signature }: { readonly message: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const opened = openSignature(key, signature);
  if (opened === undefined) return false;
  const info = concatBytes(DIGEST_INFO[hash], hashBytes(hash, message));
  const padding = new Uint8Array(opened.length - info.length - 3).fill(0xff);
  // Compared whole, so that no part of the padding is left to chance.
  return equalBytes(opened, concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), info));
}

/** Whether a PSS `signature` of `message` is valid: MGF1 of the same hash, salt as long. */
export function verifyRsaPss(
  key: RsaPublicKey,
  hash: HashName,
  { message, signature }: { readonly message: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const opened = openSignature(key, signature);
  if (opened === undefined) return false;
  const size = hashSizeBytes(hash);
  // The encoded message has one bit less than the modulus: a first byte of its own may fall away.
  const bits = key.modulus.toString(2).length - 1;
  const skipped = opened.length - Math.ceil(bits / 8);
  const encoded = opened.subarray(skipped);
  const end = encoded.length - size - 1;
  const digest = encoded.subarray(end, end + size);
  if (opened.subarray(0, skipped).some((byte) => byte !== 0) || encoded.at(-1) !== 0xbc) {
    return false;
  }
  const unusedBits = encoded.length * 8 - bits;
  if ((encoded[0] ?? 0) >> (8 - unusedBits) !== 0) return false;
  const block = xor(encoded.subarray(0, end), mask(hash, digest, end));
  block[0] = (block[0] ?? 0) & (0xff >> unusedBits);
  const saltStart = end - size;
  const isPadded = block.subarray(0, saltStart - 1).every((byte) => byte === 0);
  if (!isPadded || block[saltStart - 1] !== 1) return false;
  const zeros = new Uint8Array(8);
  const expected = hashBytes(hash, zeros, hashBytes(hash, message), block.subarray(saltStart));
  return equalBytes(digest, expected);
}

/** The unsigned big-endian number of `bytes`. */
export function integerOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${encodeHex(bytes)}`);
}

/** `value` as `sizeBytes` big-endian bytes; it must fit. */
export function bytesOf(value: bigint, sizeBytes: number): Uint8Array {
  return decodeHex(value.toString(16).padStart(2 * sizeBytes, '0'));
}

function sizeBytesOf({ modulus }: RsaPublicKey): number {
  return Math.ceil(modulus.toString(2).length / 8);
}

function openSignature(key: RsaPublicKey, signature: Uint8Array): Uint8Array | undefined {
  const size = sizeBytesOf(key);
  const value = integerOf(signature);
  if (signature.length !== size || value >= key.modulus) return undefined;
  return bytesOf(power(key, value), size);
}

function power({ modulus, exponent }: RsaPublicKey, base: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** MGF1 (appendix B.2.1). */
function mask(hash: HashName, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0; counter * hashSizeBytes(hash) < length; counter++) {
    blocks.push(hashBytes(hash, seed, bytesOf(BigInt(counter), 4)));
  }
  return concatBytes(...blocks).subarray(0, length);
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, i) => byte ^ (right[i] ?? 0));
}
