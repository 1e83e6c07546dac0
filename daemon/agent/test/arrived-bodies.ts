/** Bodies as they come to a ledger: in the submit frame, or in chunks before it (SPEC §6). */
import assert from 'node:assert/strict';

import { commitmentDigest, concatBytes, decodeEnvelope, type CborArray } from '@kudurru/proof';

/** A large body as its chunks brought it. */
export interface Arrived {
  readonly digest: Uint8Array;
  readonly salt: Uint8Array;
  readonly length: number;
  bytes: Uint8Array;
}

/** The next chunk of the body that came last, or the first of another. */
export function takeChunk(arrived: Arrived[], items: CborArray): void {
  const [digest] = items as [Uint8Array];
  const bytes = items.at(-1) as Uint8Array;
  if (items.length === 6) {
    const [, , , salt, length] = items as [unknown, unknown, unknown, Uint8Array, number];
    arrived.push({ digest, salt, length, bytes });
    return;
  }
  const last = arrived.at(-1);
  assert.ok(last !== undefined);
  assert.deepEqual(last.digest, digest);
  assert.equal(last.bytes.length, items[1]);
  last.bytes = concatBytes(last.bytes, bytes);
}

/** The bodies are those of the deposited commitments, in order, and open them. */
export function requireBodies(
  envelopes: readonly Uint8Array[],
  bodies: readonly CborArray[],
  arrived: readonly Arrived[],
): void {
  const expected = envelopes.flatMap((bytes, offset) =>
    decodeEnvelope(bytes).commitments.flatMap((one) => (one.deposited ? [{ offset, ...one }] : [])),
  );
  assert.equal(bodies.length, expected.length);
  for (const [at, { offset, field, digest }] of expected.entries()) {
    const [bodyOffset, , salt, bytes] = bodies[at] as [number, number, Uint8Array?, Uint8Array?];
    assert.equal(bodyOffset, offset);
    const large = arrived.find((one) => Buffer.compare(one.digest, digest) === 0);
    const opening = large ?? { salt, bytes };
    assert.ok(opening.salt !== undefined && opening.bytes !== undefined);
    assert.deepEqual(commitmentDigest({ field, salt: opening.salt, bytes: opening.bytes }), digest);
  }
  const large = bodies.filter((body) => body.length === 3);
  assert.equal(large.length, arrived.length);
}
