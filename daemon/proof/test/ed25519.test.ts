import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

import { decodeHex } from '../src/bytes.ts';
import { isEd25519PublicKey, verifyEd25519 } from '../src/ed25519.ts';
import type { SignatureVector } from './support/torsion.ts';
import { torsionVectors } from './support/torsion.ts';
import { describePublished, readTestdata } from './support/vectors.ts';

interface Wycheproof {
  testGroups: {
    publicKey: { pk: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: string }[];
  }[];
}

describe('ed25519', () => {
  it('accepts the signatures of the runtime and no changed ones', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const message = Uint8Array.from([1, 2, 3]);
    const signature = new Uint8Array(sign(null, message, privateKey));
    assert.ok(verifyEd25519(key, message, signature));
    for (let i = 0; i < 64; i += 7) {
      const changed = signature.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      assert.ok(!verifyEd25519(key, message, changed));
    }
    assert.ok(!verifyEd25519(key, message.subarray(1), signature));
    assert.ok(!verifyEd25519(key.subarray(1), message, signature));
    assert.ok(!verifyEd25519(key, message, signature.subarray(1)));
  });

  it('our torsion vectors are what their generator makes', () => {
    assert.deepEqual(readTestdata('ed25519/torsion.json'), torsionVectors());
  });

  for (const vector of readTestdata<SignatureVector[]>('ed25519/torsion.json')) {
    it(`${vector.comment} (${vector.accepted ? 'accepted' : 'refused'})`, () => {
      const [key, message, signature] = [vector.publicKey, vector.message, vector.signature].map(
        decodeHex,
      ) as [Uint8Array, Uint8Array, Uint8Array];
      assert.equal(verifyEd25519(key, message, signature), vector.accepted);
    });
  }

  it('knows an unacceptable key before any signature', () => {
    assert.ok(!isEd25519PublicKey(new Uint8Array(32)));
    assert.ok(!isEd25519PublicKey(new Uint8Array(31)));
    assert.ok(!isEd25519PublicKey(decodeHex(`01${'00'.repeat(31)}`)));
  });
});

describePublished('ed25519, Wycheproof', 'wycheproof/ed25519_test.json', (path) => {
  const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as Wycheproof;
  for (const { publicKey, tests } of testGroups) {
    for (const test of tests) {
      it(`${test.tcId} ${test.comment} (${test.result})`, () => {
        const accepted = verifyEd25519(
          decodeHex(publicKey.pk),
          decodeHex(test.msg),
          decodeHex(test.sig),
        );
        assert.equal(accepted, test.result === 'valid');
      });
    }
  }
});
