/**
 * The acceptance rule of SPEC.md §2.1 in native code: against published vectors, and against
 * @kudurru/proof, which computes the same rule from curve operations in JavaScript.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { p1363OfDer, ProofError, verifyEd25519, verifyEs256 } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { ED25519, ESP256, verifyBatch, verifySignature } from '../lib/index.ts';
import type { SignatureItem } from '../lib/index.ts';
import type { SignatureVectors } from './support/vectors.ts';
import { describePublished, fromHex, readJson } from './support/vectors.ts';

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const order = Point.Fn.ORDER;

function provedBy(item: SignatureItem): boolean {
  const verify = item.alg === ED25519 ? verifyEd25519 : verifyEs256;
  return verify(item.publicKey, item.message, item.signature);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The eight points whose order divides 8, from one of order 8. */
function torsionPoints(): Point[] {
  const y = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05';
  const generator = Point.fromHex(y);
  return Array.from({ length: 8 }, (_, i) =>
    i === 0 ? Point.ZERO : generator.multiplyUnsafe(BigInt(i)),
  );
}

/**
 * A signature that every cofactored verifier accepts: key A + T and R + U for torsion points T, U.
 * Without the cofactor it is right only where U = −[k]T.
 */
function mixedSignature(torsion: { key: Point; r: Point }, seed: bigint): SignatureItem {
  const [a, r] = [seed * 7919n + 11n, seed * 104_729n + 13n];
  const publicKey = Point.BASE.multiply(a).add(torsion.key).toBytes();
  const rBytes = Point.BASE.multiply(r).add(torsion.r).toBytes();
  const message = Uint8Array.of(Number(seed % 256n));
  const k = littleEndian(sha512(Buffer.concat([rBytes, publicKey, message]))) % order;
  const s = (r + k * a) % order;
  const sBytes = Uint8Array.from({ length: 32 }, (_, i) => Number((s >> BigInt(8 * i)) & 255n));
  return { alg: ED25519, publicKey, message, signature: Buffer.concat([rBytes, sBytes]) };
}

function freshSignatures(): SignatureItem[] {
  const message = Uint8Array.from([1, 2, 3]);
  const edwards = generateKeyPairSync('ed25519');
  const point = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = { format: 'der', type: 'spki' } as const;
  return [
    {
      alg: ED25519,
      publicKey: edwards.publicKey.export(spki).subarray(-32),
      message,
      signature: sign(null, message, edwards.privateKey),
    },
    {
      alg: ESP256,
      publicKey: point.publicKey.export(spki).subarray(-65),
      message,
      signature: sign('sha256', message, { key: point.privateKey, dsaEncoding: 'ieee-p1363' }),
    },
  ];
}

describe('verify', () => {
  it('accepts the signatures of the runtime', () => {
    for (const item of freshSignatures()) assert.ok(verifySignature(item));
  });

  it('agrees with proof on torsion-mixed keys and R, of which only some are accepted', () => {
    const torsion = torsionPoints();
    let accepted = 0;
    let seed = 1n;
    for (const key of torsion) {
      for (const r of torsion) {
        for (let i = 0; i < 4; i++) {
          const item = mixedSignature({ key, r }, seed++);
          const native = verifySignature(item);
          assert.equal(native, provedBy(item), `seed ${seed - 1n}`);
          if (native) accepted++;
        }
      }
    }
    // 4 of the 256 have no torsion at all and are accepted; most of the others are not.
    assert.ok(accepted > 4 && accepted < 128, `${accepted} of 256 accepted`);
  }).timeout(60_000);

  it('agrees with proof on changed keys, messages and signatures', () => {
    const originals = freshSignatures();
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    const part = fc.constantFrom('publicKey', 'message', 'signature');
    fc.assert(
      fc.property(fc.constantFrom(...originals), part, change, (original, name, { at, byte }) => {
        const changed = Uint8Array.from(original[name]);
        changed[at % changed.length] = byte;
        const item = { ...original, [name]: changed };
        assert.equal(verifySignature(item), provedBy(item));
      }),
      { numRuns: 300 },
    );
  }).timeout(60_000);

  it('gives a batch its answers in order', async () => {
    const good = freshSignatures();
    const bad = good.map((item) => ({ ...item, message: new Uint8Array(4) }));
    const unusable = good.map((item) => ({ ...item, publicKey: new Uint8Array(32) }));
    const items = Array.from({ length: 20 }, () => [...good, ...bad, ...unusable]).flat();
    const expected = items.map((item) => good.includes(item));
    assert.deepEqual(await verifyBatch(items), expected);
    const both = await Promise.all([verifyBatch(items), verifyBatch(items.toReversed())]);
    assert.deepEqual(both, [expected, expected.toReversed()]);
    assert.deepEqual(await verifyBatch([]), []);
  });

  it('does not read the arrays of a batch after the call', async () => {
    const [item] = freshSignatures() as [SignatureItem, SignatureItem];
    const batch = verifyBatch(Array.from({ length: 50 }, () => item));
    item.signature.fill(0);
    item.message.fill(0);
    assert.ok((await batch).every((accepted) => accepted));
  });

  it('refuses arguments of the wrong type before the native code sees them', async () => {
    const [item] = freshSignatures() as [SignatureItem, SignatureItem];
    const wrong = { ...item, alg: -7 } as unknown as SignatureItem;
    assert.throws(() => verifySignature(wrong), RangeError);
    const text = { ...item, message: 'text' } as unknown as SignatureItem;
    assert.throws(() => verifySignature(text), TypeError);
    const shared = { ...item, message: new Uint8Array(new SharedArrayBuffer(4)) };
    assert.throws(() => verifySignature(shared), TypeError);
    await assert.rejects(verifyBatch([item, text]), /items\[1\]\.message/);
  });
});

interface WycheproofCase {
  readonly alg: typeof ED25519 | typeof ESP256;
  /** Null where the signature's encoding is refused before any curve operation. */
  readonly signatureOf: (encoded: Uint8Array) => Uint8Array | null;
}

function p1363OrNull(der: Uint8Array): Uint8Array | null {
  try {
    return p1363OfDer(der);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}

function describeWycheproof(file: string, { alg, signatureOf }: WycheproofCase): void {
  describePublished(`verify, Wycheproof ${file}`, `wycheproof/${file}`, (path) => {
    for (const { publicKey, tests } of readJson<SignatureVectors>(path).testGroups) {
      const key = fromHex(publicKey.pk ?? publicKey.uncompressed ?? '');
      for (const { tcId, comment, msg, sig, result } of tests) {
        it(`${tcId} ${comment} (${result})`, () => {
          const signature = signatureOf(fromHex(sig));
          const item = { alg, publicKey: key, message: fromHex(msg), signature };
          const native = signature !== null && verifySignature({ ...item, signature });
          assert.equal(native, result === 'valid');
          if (signature !== null) assert.equal(provedBy({ ...item, signature }), native);
        });
      }
    }
  });
}

const raw = (encoded: Uint8Array): Uint8Array => encoded;
describeWycheproof('ed25519_test.json', { alg: ED25519, signatureOf: raw });
describeWycheproof('ecdsa_secp256r1_sha256_p1363_test.json', { alg: ESP256, signatureOf: raw });
describeWycheproof('ecdsa_secp256r1_sha256_test.json', { alg: ESP256, signatureOf: p1363OrNull });
