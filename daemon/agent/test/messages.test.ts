import assert from 'node:assert/strict';

import { encodeCbor, type CborValue } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { AgentError } from '../src/agent-error.ts';
import {
  decodeAnchored,
  decodeClosed,
  decodeCommitted,
  decodeOpened,
  decodeRefused,
  decodeWelcome,
} from '../src/messages.ts';

const hash = fc.uint8Array({ minLength: 31, maxLength: 33 });
const leaf: fc.Arbitrary<CborValue> = fc.oneof(
  fc.maxSafeNat(),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.string(),
  hash,
  fc.constant(null),
  fc.boolean(),
);
const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 7 }));
const payload = fc.oneof(
  fc.uint8Array(),
  fc.array(value, { maxLength: 7 }).map((items) => encodeCbor(items)),
);

describe('messages', () => {
  const decoders = {
    decodeAnchored,
    decodeClosed,
    decodeCommitted,
    decodeOpened,
    decodeRefused,
    decodeWelcome,
  };
  for (const [name, decode] of Object.entries(decoders)) {
    it(`${name} reads or refuses every payload, and throws nothing else`, () => {
      fc.assert(
        fc.property(payload, (bytes) => {
          try {
            decode(bytes);
          } catch (error) {
            assert.ok(error instanceof AgentError && error.code === 'protocol-violation');
          }
        }),
        { numRuns: 500 },
      );
    });
  }

  it('reads what SPEC §6 writes', () => {
    const root = new Uint8Array(32).fill(7);
    const time = [1_800_000_000_000_000_000n, 1, 1, null, null, 0, null];
    const committed = decodeCommitted(encodeCbor([5, [41, 2, 44, root], time]));
    assert.deepEqual(committed, {
      firstSequence: 5n,
      firstIndex: 41n,
      count: 2,
      treeSize: 44n,
      root,
      taiNs: 1_800_000_000_000_000_000n,
    });
    const refused = decodeRefused(encodeCbor([null, 'frame-too-long', 'too long', 0]));
    assert.deepEqual(refused, {
      firstSequence: null,
      code: 'frame-too-long',
      message: 'too long',
      retry: 'never',
    });
  });
});
