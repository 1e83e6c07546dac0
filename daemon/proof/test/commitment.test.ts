import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';

import { encodeHex, encodeUtf8 } from '../src/bytes.ts';
import { commitmentDigest, makeCommitment, verifyOpening } from '../src/commitment.ts';

const opening = {
  field: 'output',
  salt: new Uint8Array(32).fill(7),
  bytes: encodeUtf8('written'),
} as const;

describe('commitment', () => {
  it('is the hash of SPEC.md §3', () => {
    const expected = createHash('sha256')
      .update('kudurru/commit/1\0')
      .update(opening.salt)
      .update(Uint8Array.of(2))
      .update(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7))
      .update('written')
      .digest('hex');
    assert.equal(encodeHex(commitmentDigest(opening)), expected);
  });

  it('opens with exactly what it was made of', () => {
    const commitment = makeCommitment(opening, { mediaType: 'text/plain', deposited: true });
    assert.ok(verifyOpening(commitment, opening));
    assert.ok(!verifyOpening(commitment, { ...opening, field: 'input' }));
    assert.ok(!verifyOpening(commitment, { ...opening, salt: new Uint8Array(32) }));
    assert.ok(!verifyOpening(commitment, { ...opening, salt: new Uint8Array(31) }));
    assert.ok(!verifyOpening(commitment, { ...opening, bytes: encodeUtf8('Written') }));
    assert.ok(!verifyOpening({ ...commitment, length: 8 }, opening));
  });

  it('needs bytes and a salt of 32', () => {
    const options = { mediaType: null, deposited: false };
    const nothing = { ...opening, bytes: new Uint8Array(0) };
    assert.throws(() => makeCommitment(nothing, options), { code: 'envelope-invalid' });
    const short = { ...opening, salt: new Uint8Array(16) };
    assert.throws(() => makeCommitment(short, options), { code: 'envelope-invalid' });
  });
});
