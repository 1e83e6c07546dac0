import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  commitmentDigest,
  decodeCbor,
  decodeEntry,
  encodeCbor,
  isCborArray,
  ZERO_HASH,
} from '@kudurru/proof';

import { systemEntry, type SystemEntry } from '../../src/ledger/system-entry.ts';

describe('system entry', () => {
  it('is the array of its fields, for a kind below 24 and above', () => {
    const stop = systemEntry('stop', { reason: 'test', openSessions: 3 });
    assert.deepEqual(stop.fields, encodeCbor(['test', 3]));
    assert.equal(stop.number, 22);
    const alarm = systemEntry('alarm', { code: 'a', message: 'b' });
    assert.deepEqual(alarm.fields, encodeCbor(['a', 'b']));
    assert.equal(alarm.number, 27);
  });

  it('becomes an entry with the head of its place', () => {
    const fields = { previousBootIndex: 1n, treeSize: 9n, secondsAtRisk: 2 };
    const entry = decodeEntry(placed(systemEntry('unclean-start', fields)));
    assert.equal(entry.kind, 'unclean-start');
    assert.equal(entry.treeSize, 9n);
  });

  it('commits to its bodies with fresh salts', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const make = () =>
      systemEntry(
        'session.open',
        {
          agentIndex: 2n,
          sessionNumber: 0,
          request: Uint8Array.of(9),
          writerLevel: 'pidfd',
        },
        [{ field: 'writerFacts', bytes, mediaType: null }],
      );
    const [one, other] = [make(), make()];
    const [body] = one.bodies;
    assert.ok(body !== undefined);
    const opening = { field: 'writerFacts', salt: body.salt, bytes } as const;
    assert.deepEqual(body.commitment.digest, commitmentDigest(opening));
    assert.notDeepEqual(body.salt, other.bodies[0]?.salt);
    const entry = decodeEntry(placed(one));
    assert.ok(entry.kind === 'session.open');
    assert.deepEqual(
      entry.commitments.map(({ digest, deposited }) => ({ digest, deposited })),
      [{ digest: body.commitment.digest, deposited: true }],
    );
  });

  it('refuses fields that are not of their form', () => {
    assert.throws(() => systemEntry('stop', { reason: '', openSessions: 0 }), /reason/u);
  });
});

/** The entry as the ledger makes it: an array of the head's items and the fields. */
function placed({ number, fields }: SystemEntry): Uint8Array {
  const items = decodeCbor(fields);
  assert.ok(isCborArray(items));
  return encodeCbor([1, number, ZERO_HASH, [1, 1, 1, null, null, 0, null], 0, ...items]);
}
