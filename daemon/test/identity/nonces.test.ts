import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { isKudurruError } from '../../src/base/errors.ts';
import { nonceLifetimeMs, Nonces } from '../../src/identity/nonces.ts';

describe('nonces', () => {
  it('are taken once', () => {
    const nonces = new Nonces(() => 0);
    const nonce = nonces.give();
    assert.equal(nonce.length, 32);
    nonces.take(nonce);
    refused(() => nonces.take(nonce));
  });

  it('are none of a stranger', () => {
    const nonces = new Nonces(() => 0);
    nonces.give();
    refused(() => nonces.take(new Uint8Array(32)));
  });

  it('end with their time', () => {
    let nowMs = 0;
    const nonces = new Nonces(() => nowMs);
    const [kept, late] = [nonces.give(), nonces.give()];
    nowMs = nonceLifetimeMs;
    nonces.take(kept);
    nowMs += 1;
    refused(() => nonces.take(late));
  });

  it('do not pile up: the oldest goes', () => {
    const nonces = new Nonces(() => 0);
    const [first, second] = [nonces.give(), nonces.give()];
    for (let given = 2; given < 1025; given++) nonces.give();
    refused(() => nonces.take(first));
    nonces.take(second);
  });
});

function refused(take: () => void): void {
  assert.throws(take, (error) => isKudurruError(error, 'nonce-unknown'));
}
