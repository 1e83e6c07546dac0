import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { decodeEnrolment, keyThumbprint, verifySign1, verifySignature } from '@kudurru/proof';
import { describe, it } from 'mocha';

import { generateKey, loadKey } from '../src/key.ts';
import { signEnrolment } from '../src/session-request.ts';

describe('key', () => {
  for (const algorithm of ['Ed25519', 'ESP256'] as const) {
    it(`signs what the formats accept, and is the same key from its file (${algorithm})`, () => {
      const key = generateKey(algorithm);
      const same = loadKey(key.exportPem());
      const message = new TextEncoder().encode('message');
      assert.equal(key.publicKey.algorithm, algorithm);
      assert.deepEqual(same.keyId, keyThumbprint(key.publicKey));
      const signature = same.sign(message);
      assert.ok(verifySignature({ key: key.publicKey, message, signature }));
    });

    it(`proves its possession at the enrolment (${algorithm})`, () => {
      const key = generateKey(algorithm);
      const enrolment = {
        ledgerId: new Uint8Array(32).fill(1),
        nonce: new Uint8Array(32).fill(2),
        agentId: 'spiffe://test.example/agent/one',
        owner: 'Data Team',
        purpose: 'reads reports',
      };
      const { sign1, content } = decodeEnrolment(signEnrolment(key, enrolment));
      assert.ok(verifySign1(sign1, key.publicKey));
      assert.deepEqual(content, { version: 1, ...enrolment, key: key.coseKey });
    });
  }

  it('refuses other keys and other files with its code', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const curve = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    for (const pem of [rsa, curve].map((key) => key.export({ type: 'pkcs8', format: 'pem' }))) {
      assert.throws(() => loadKey(pem), { code: 'key-invalid' });
    }
    assert.throws(() => loadKey('no key'), { code: 'key-invalid' });
  });
});
