import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

import { decodeHex, encodeHex } from '../src/bytes.ts';
import {
  derOfP1363,
  isP256Point,
  p1363OfDer,
  p256PointOfSpki,
  spkiOfP256Point,
  verifyEs256,
} from '../src/es256.ts';
import { ProofError } from '../src/proof-error.ts';
import { describePublished } from './support/vectors.ts';

interface Wycheproof {
  testGroups: {
    publicKey: { uncompressed: string };
    publicKeyDer: string;
    tests: { tcId: number; comment: string; msg: string; sig: string; result: string }[];
  }[];
}

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const hex32 = (value: bigint): string => value.toString(16).padStart(64, '0');

describe('es256', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const point = p256PointOfSpki(spki);
  const message = Uint8Array.from([1, 2, 3]);
  const signature = new Uint8Array(
    sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  );

  it('accepts the signatures of the runtime with low and with high s', () => {
    assert.ok(verifyEs256(point, message, signature));
    const r = encodeHex(signature.subarray(0, 32));
    const s = BigInt(`0x${encodeHex(signature.subarray(32))}`);
    assert.ok(verifyEs256(point, message, decodeHex(r + hex32(N - s))));
    assert.ok(!verifyEs256(point, message.subarray(1), signature));
    assert.ok(!verifyEs256(point, message, signature.subarray(1)));
    for (const bad of [0n, N, N + 1n]) {
      assert.ok(!verifyEs256(point, message, decodeHex(r + hex32(bad))));
      assert.ok(!verifyEs256(point, message, decodeHex(hex32(bad) + hex32(s))));
    }
  });

  it('takes uncompressed points of the curve as keys, and one SPKI form of them', () => {
    assert.deepEqual(spkiOfP256Point(point), spki);
    const offCurve = point.slice();
    offCurve[64] = (offCurve[64] ?? 0) ^ 1;
    const compressed = Uint8Array.from([2, ...point.subarray(1, 33)]);
    for (const bad of [
      offCurve,
      compressed,
      new Uint8Array(65),
      new Uint8Array(1),
      point.subarray(1),
    ]) {
      assert.ok(!isP256Point(bad));
      assert.throws(() => spkiOfP256Point(bad), { code: 'key-malformed' });
      assert.ok(!verifyEs256(bad, message, signature));
    }
    assert.throws(() => p256PointOfSpki(spki.subarray(1)), { code: 'key-malformed' });
  });

  it('converts DER and P1363 into each other without a second form', () => {
    const der = new Uint8Array(sign('sha256', message, privateKey));
    assert.ok(verifyEs256(point, message, p1363OfDer(der)));
    assert.deepEqual(derOfP1363(p1363OfDer(der)), der);
    for (const bad of [
      '',
      '3000',
      '3006020100020101',
      '300602010102018f',
      '30070201010202007f',
      '3006020101020101' + '00',
      '308106020101020101',
      '3006020101030101',
      '3080020101020101',
    ]) {
      assert.throws(() => p1363OfDer(decodeHex(bad)), { code: 'signature-malformed' }, bad);
    }
    assert.throws(() => derOfP1363(new Uint8Array(64)), { code: 'signature-malformed' });
  });
});

const P1363 = 'wycheproof/ecdsa_secp256r1_sha256_p1363_test.json';
describePublished('es256, Wycheproof P1363', P1363, (path) => {
  eachTest(path, (point, message, signature) => verifyEs256(point, message, signature));
});

describePublished(
  'es256, Wycheproof DER',
  'wycheproof/ecdsa_secp256r1_sha256_test.json',
  (path) => {
    eachTest(path, (point, message, der) => {
      let signature: Uint8Array;
      try {
        signature = p1363OfDer(der);
      } catch (error) {
        assert.ok(error instanceof ProofError && error.code === 'signature-malformed');
        return false;
      }
      return verifyEs256(point, message, signature);
    });
  },
);

function eachTest(
  path: string,
  accepts: (point: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean,
): void {
  const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as Wycheproof;
  for (const { publicKeyDer, tests } of testGroups) {
    const point = p256PointOfSpki(decodeHex(publicKeyDer));
    for (const test of tests) {
      it(`${test.tcId} ${test.comment} (${test.result})`, () => {
        const accepted = accepts(point, decodeHex(test.msg), decodeHex(test.sig));
        assert.equal(accepted, test.result === 'valid');
      });
    }
  }
}
