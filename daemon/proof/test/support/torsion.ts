/**
 * Ed25519 signatures with small-order components mixed into the key and into R, where libraries
 * disagree. With A = [a]B + [i]T and R = [r]B + [j]T, T of order 8, and S = r + k·a, the equation
 * [S]B - [k]A = R holds exactly when -k·i = j modulo 8: the expected answer needs no verifier.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';

import { concatBytes, decodeHex, encodeHex, encodeUtf8 } from '../../src/bytes.ts';

export interface SignatureVector {
  comment: string;
  publicKey: string;
  message: string;
  signature: string;
  accepted: boolean;
}

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const ORDER_8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

/** Sixty-four mixed cases and the edges of each single clause of the rule. */
export function torsionVectors(): SignatureVector[] {
  const vectors: SignatureVector[] = [];
  for (let keyTorsion = 0; keyTorsion < 8; keyTorsion++) {
    for (let nonceTorsion = 0; nonceTorsion < 8; nonceTorsion++) {
      vectors.push(mixedVector(keyTorsion, nonceTorsion));
    }
  }
  return [...vectors, ...edgeVectors()];
}

function mixedVector(keyTorsion: number, nonceTorsion: number): SignatureVector {
  const label = `${keyTorsion}/${nonceTorsion}`;
  const a = scalar(`key ${label}`);
  const A = Point.BASE.multiply(a).add(torsion(keyTorsion)).toBytes();
  // Half of the cases search for a message whose k makes the equation hold.
  const wantsMatch = (keyTorsion + nonceTorsion) % 2 === 0;
  for (let attempt = 0; ; attempt++) {
    const message = encodeUtf8(`torsion ${label} ${attempt}`);
    const r = scalar(`nonce ${label}`);
    const R = Point.BASE.multiply(r).add(torsion(nonceTorsion)).toBytes();
    const k = challenge(R, A, message);
    const accepted = mod8(-k * BigInt(keyTorsion)) === nonceTorsion;
    if (wantsMatch && !accepted && attempt < 64) continue;
    return {
      comment: `key torsion ${keyTorsion}, nonce torsion ${nonceTorsion}`,
      publicKey: encodeHex(A),
      message: encodeHex(message),
      signature: encodeHex(concatBytes(R, littleEndian((r + k * a) % L))),
      accepted,
    };
  }
}

function edgeVectors(): SignatureVector[] {
  const a = scalar('edge key');
  const A = Point.BASE.multiply(a).toBytes();
  const message = encodeUtf8('edge');
  const r = scalar('edge nonce');
  const R = Point.BASE.multiply(r).toBytes();
  const s = (r + challenge(R, A, message) * a) % L;
  const zero = Point.ZERO.toBytes();
  const smallR = torsion(3).toBytes();
  const make = (comment: string, key: Uint8Array, signature: Uint8Array): SignatureVector => ({
    comment,
    publicKey: encodeHex(key),
    message: encodeHex(message),
    signature: encodeHex(signature),
    accepted: false,
  });
  const nonCanonicalKeys = [
    '0100000000000000000000000000000000000000000000000000000000000080', // x = 0 with its sign set
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p + 1
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p
    'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p + 3
  ];
  return [
    { ...make('plain', A, concatBytes(R, littleEndian(s))), accepted: true },
    make('S + L', A, concatBytes(R, littleEndian(s + L))),
    make('S = L', A, concatBytes(R, littleEndian(L))),
    // With k·a = S the identity would be R: accepted by rules that allow a small-order R.
    make(
      'R is the identity',
      A,
      concatBytes(zero, littleEndian((challenge(zero, A, message) * a) % L)),
    ),
    make(
      'R of order 8',
      A,
      concatBytes(smallR, littleEndian((challenge(smallR, A, message) * a) % L)),
    ),
    make('A is the identity', zero, concatBytes(R, littleEndian(r))),
    make('A and R are the identity', zero, concatBytes(zero, littleEndian(0n))),
    ...nonCanonicalKeys.map((hex) =>
      make('A is not canonical', decodeHex(hex), concatBytes(R, littleEndian(r))),
    ),
    make(
      'R is not canonical',
      A,
      concatBytes(decodeHex(nonCanonicalKeys[1] ?? ''), littleEndian(s)),
    ),
  ];
}

function torsion(multiple: number): typeof Point.ZERO {
  return multiple === 0 ? Point.ZERO : ORDER_8.multiplyUnsafe(BigInt(multiple));
}

function scalar(label: string): bigint {
  return (numberOf(sha512(encodeUtf8(`kudurru torsion ${label}`))) % (L - 1n)) + 1n;
}

function challenge(R: Uint8Array, A: Uint8Array, message: Uint8Array): bigint {
  return numberOf(sha512(concatBytes(R, A, message))) % L;
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${encodeHex(bytes.toReversed())}`);
}

function littleEndian(value: bigint): Uint8Array {
  return decodeHex(value.toString(16).padStart(64, '0')).reverse();
}

function mod8(value: bigint): number {
  return Number(((value % 8n) + 8n) % 8n);
}
