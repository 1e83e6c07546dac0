import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes } from '../../src/bytes.ts';
import { ProofError } from '../../src/proof-error.ts';
import { TIME_FRAME_KINDS } from '../../src/time/raw-time-evidence.ts';
import {
  decodeTimeNote,
  encodeTimeNote,
  encodeTimeRecord,
  TIME_NOTE_CODES,
  TimeRecordSplitter,
} from '../../src/time/time-stream.ts';

const nanoseconds = fc.bigInt({ min: 0n, max: 2n ** 62n });
const records = fc.record(
  {
    kind: fc.constantFrom(...TIME_FRAME_KINDS),
    rawBeforeNs: nanoseconds,
    rawAfterNs: nanoseconds,
    clockNs: fc.option(nanoseconds),
    bytes: fc.uint8Array({ maxLength: 300 }),
  },
  { noNullPrototype: true },
);

describe('time-stream', () => {
  it('gives back the records, wherever the pipe cuts them', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 6 }), fc.nat(50), (all, size) => {
        const stream = concatBytes(...all.map(encodeTimeRecord));
        const splitter = new TimeRecordSplitter();
        const step = size + 1;
        const pieces = Array.from({ length: Math.ceil(stream.length / step) }, (_, i) =>
          stream.slice(i * step, (i + 1) * step),
        );
        assert.deepEqual(
          pieces.flatMap((piece) => splitter.push(piece)),
          all,
        );
      }),
    );
  });

  it('gives back notes', () => {
    for (const code of TIME_NOTE_CODES) {
      for (const bytes of [null, Uint8Array.of(1, 2)]) {
        const note = { code, message: 'a reason', bytes };
        assert.deepEqual(decodeTimeNote(encodeTimeNote(note)), note);
      }
    }
  });

  it('refuses a record that is longer than any can be, before it has come', () => {
    const splitter = new TimeRecordSplitter();
    assert.throws(() => splitter.push(Uint8Array.of(0, 1, 0, 0)), { code: 'limit-exceeded' });
  });

  it('refuses what is no record', () => {
    const splitter = new TimeRecordSplitter();
    assert.throws(() => splitter.push(Uint8Array.of(0, 0, 0, 1, 0x80)), {
      code: 'time-malformed',
    });
  });

  it('any bytes give records or a ProofError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new TimeRecordSplitter().push(concatBytes(Uint8Array.of(0, 0, 0), bytes));
          decodeTimeNote(bytes);
        } catch (error) {
          assert.ok(error instanceof ProofError);
        }
      }),
    );
  });
});
