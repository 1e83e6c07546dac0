import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import {
  compareBytes,
  decodeBase64,
  decodeHex,
  decodeU64,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeU64,
  encodeUtf8,
} from '../src/bytes.ts';
import { ProofError } from '../src/proof-error.ts';

const malformed = { name: 'ProofError', code: 'bytes-malformed' };

describe('bytes', () => {
  it('hex and base64 agree with the runtime', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        assert.equal(encodeHex(bytes), Buffer.from(bytes).toString('hex'));
        assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'));
        assert.deepEqual(decodeHex(encodeHex(bytes)), bytes);
        assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
      }),
    );
  });

  it('base64 accepts canonical text only', () => {
    for (const text of [
      'A',
      'AA',
      'AAA',
      'AA=',
      'AB==',
      'AAB=',
      'AA==\n',
      ' AA==',
      'A===',
      '====',
    ]) {
      assert.throws(() => decodeBase64(text), malformed, text);
    }
    for (const text of ['A-A_', 'AAAA====', 'AA==AAAA', 'AAA\u0100']) {
      assert.throws(() => decodeBase64(text), malformed, text);
    }
    assert.deepEqual(decodeBase64(''), new Uint8Array(0));
  });

  it('hex accepts lower-case pairs only', () => {
    for (const text of ['a', 'AA', '0x00', 'a ', 'gg', 'aa\n']) {
      assert.throws(() => decodeHex(text), malformed, text);
    }
  });

  it('utf-8 is strict both ways and keeps a leading U+FEFF', () => {
    assert.equal(decodeUtf8(encodeUtf8('\ufeffkudurru')), '\ufeffkudurru');
    assert.throws(() => encodeUtf8('\ud800'), malformed);
    for (const hex of ['c080', 'eda080', 'f4908080', 'ff', 'e282']) {
      assert.throws(() => decodeUtf8(decodeHex(hex)), malformed, hex);
    }
  });

  it('u64 is big-endian and bounded', () => {
    assert.equal(encodeHex(encodeU64(258n)), '0000000000000102');
    assert.equal(decodeU64(encodeU64(2n ** 64n - 1n)), 2n ** 64n - 1n);
    assert.throws(() => encodeU64(2n ** 64n), malformed);
    assert.throws(() => encodeU64(-1n), malformed);
    assert.throws(() => decodeU64(new Uint8Array(7)), ProofError);
  });

  it('orders byte strings as memcmp does, a prefix first', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (left, right) => {
        assert.equal(Math.sign(compareBytes(left, right)), Buffer.compare(left, right));
      }),
    );
  });
});
