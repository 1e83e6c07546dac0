import assert from 'node:assert/strict';

import { concatBytes } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { encodeFrame, FrameReader } from '../src/frame.ts';

const frame = fc.record(
  {
    type: fc.integer({ min: 0, max: 255 }),
    payload: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  },
  { noNullPrototype: true },
);

describe('frame', () => {
  it('reads the frames that were written, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        (frames, cuts) => {
          const bytes = concatBytes(...frames.map(encodeFrame));
          const reader = new FrameReader();
          const read = [];
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const length = cuts[cut % cuts.length] ?? 1;
            read.push(...reader.push(bytes.subarray(at, at + length)));
            at += length;
          }
          assert.deepEqual(
            read.map(({ type, payload }) => ({ type, payload: Uint8Array.from(payload) })),
            frames,
          );
        },
      ),
    );
  });

  it('refuses a length outside of the protocol before it waits for more', () => {
    for (const length of [0, 1, 4_194_305, 0xffff_ffff]) {
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, length);
      assert.throws(() => new FrameReader().push(head), { code: 'protocol-violation' });
    }
  });
});
