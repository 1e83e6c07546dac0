/** Bodies in native code against the same steps of the runtime's own cryptography. */
import assert from 'node:assert/strict';
import { createCipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { describe, it } from 'mocha';

import { commitment, openBody, sealBody } from '../lib/index.ts';

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

describe('body', () => {
  const body = { salt: randomBytes(32), bytes: randomBytes(700) };

  it('commits as SPEC.md §3 says', () => {
    const expected = createHash('sha256')
      .update('kudurru/commit/1\0')
      .update(body.salt)
      .update(Uint8Array.of(2))
      .update(lengthBytes(700))
      .update(body.bytes)
      .digest();
    assert.deepEqual(Buffer.from(commitment(2, body)), expected);
  });

  it('seals as SPEC.md §3 says, and opens again', () => {
    const key = { scopeKey: randomBytes(32), digest: commitment(2, body) };
    const derived = hkdfSync('sha256', key.scopeKey, key.digest, 'kudurru/body/1\0', 32);
    const cipher = createCipheriv('aes-256-gcm', new Uint8Array(derived), new Uint8Array(12));
    cipher.setAAD(key.digest);
    const expected = Buffer.concat([
      cipher.update(Buffer.concat([body.salt, body.bytes])),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    const sealed = sealBody(key, body);
    assert.deepEqual(Buffer.from(sealed), expected);
    const opened = openBody(key, sealed);
    assert.ok(opened !== null);
    assert.deepEqual(Buffer.from(opened.salt), body.salt);
    assert.deepEqual(Buffer.from(opened.bytes), body.bytes);
  });

  it('does not open under another key or digest, cut, or changed', () => {
    const key = { scopeKey: randomBytes(32), digest: commitment(2, body) };
    const sealed = sealBody(key, body);
    assert.equal(openBody({ ...key, scopeKey: randomBytes(32) }, sealed), null);
    assert.equal(openBody({ ...key, digest: commitment(3, body) }, sealed), null);
    for (const length of [0, 15, 16, 47, 48, sealed.length - 1]) {
      assert.equal(openBody(key, sealed.subarray(0, length)), null, `${length} bytes`);
    }
    const changed = sealed.slice();
    changed[100] = (changed[100] ?? 0) ^ 1;
    assert.equal(openBody(key, changed), null);
  });

  it('refuses salts, keys and fields of another size', () => {
    const key = { scopeKey: randomBytes(32), digest: randomBytes(32) };
    assert.throws(() => commitment(0, body), RangeError);
    assert.throws(() => commitment(1, { ...body, salt: randomBytes(31) }), RangeError);
    assert.throws(() => sealBody({ ...key, scopeKey: randomBytes(16) }, body), RangeError);
    assert.throws(() => sealBody({ ...key, digest: new Uint8Array(0) }, body), RangeError);
  });
});
