import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes } from '@kudurru/proof';

import { StampedFrames } from '../../gnss-reader/stamped-frames.ts';
import { receiverEpoch, taiAt } from '../../proof/test/support/scripted-receiver.ts';

const frames = receiverEpoch(taiAt('2026-11-22T12:00:00Z'));
const noise = Uint8Array.of(0x80, 0x81, 0x82);
const stream = concatBytes(noise, ...frames.flatMap((frame) => [frame, noise]));

describe('stamped frames', () => {
  it('give each piece the time of its first byte, however the line delivers it', () => {
    const cuts = fc.uniqueArray(fc.nat(stream.length), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (places) => {
        const bounds = [0, ...places.toSorted((one, other) => one - other), stream.length];
        const stamped = new StampedFrames();
        const pieces = bounds.slice(1).flatMap((to, i) => {
          const from = bounds[i] ?? 0;
          // The time of a chunk is where it begins in the stream.
          return stamped.push({ bytes: stream.slice(from, to), sinceRawNs: BigInt(from) });
        });
        pieces.push(...stamped.end());
        assert.deepEqual(concatBytes(...pieces.map(({ bytes }) => bytes)), stream);
        let at = 0;
        for (const { bytes, sinceRawNs } of pieces) {
          const begun = bounds.findLast((bound) => bound <= at && bound < stream.length);
          assert.equal(sinceRawNs, BigInt(begun ?? 0));
          at += bytes.length;
        }
      }),
    );
  });

  it('give the rest when nothing more will come', () => {
    const stamped = new StampedFrames();
    const [frame = new Uint8Array(0)] = frames;
    assert.deepEqual(stamped.push({ bytes: frame.slice(0, 9), sinceRawNs: 7n }), []);
    assert.deepEqual(stamped.push({ bytes: frame.slice(9, 20), sinceRawNs: 8n }), []);
    const rest = { kind: 'noise', bytes: frame.slice(0, 20), sinceRawNs: 7n };
    assert.deepEqual(stamped.end(), [rest]);
    assert.deepEqual(stamped.end(), []);
    const [next] = stamped.push({ bytes: frame, sinceRawNs: 9n });
    assert.equal(next?.sinceRawNs, 9n);
  });
});
