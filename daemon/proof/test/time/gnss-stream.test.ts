import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes, encodeUtf8 } from '../../src/bytes.ts';
import { GNSS_PENDING_SIZE_BYTES_MAX, GnssSplitter } from '../../src/time/gnss-stream.ts';
import { nmeaSentence, ubxPoll } from '../support/gnss-encode.ts';
import { framesOf, piecesOf, recording } from '../support/gnss-fuzz.ts';

const sentence = nmeaSentence('GPZDA,120000,20,11,2026,00,00');
const frame = ubxPoll('nav-pvt');

describe('gnss stream', () => {
  it('cuts a recording of 20 epochs into its 140 frames, split anywhere', () => {
    const bytes = recording();
    const whole = piecesOf(bytes);
    assert.equal(whole.length, 140);
    assert.deepEqual(framesOf(whole), whole);
    for (let at = 0; at <= 400; at++) {
      assert.deepEqual(piecesOf(bytes.subarray(0, at), bytes.subarray(at)), whole);
    }
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(piecesOf(...single), whole);
  });

  it('finds the same frames in any mixture, split anywhere, and loses no byte', () => {
    const part = fc.oneof(
      fc.constantFrom(sentence, frame, recording().subarray(0, 300)),
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(encodeUtf8('$GPZDA,'), encodeUtf8('$\r$\r\n'), Uint8Array.of(0xb5, 0x62)),
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        (all, cuts) => {
          const bytes = concatBytes(...all);
          const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
          const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i]));
          const [whole, parts] = [piecesOf(bytes), piecesOf(...chunks)];
          assert.deepEqual(framesOf(parts), framesOf(whole));
          assert.deepEqual(concatBytes(...parts.map((piece) => piece.bytes)), bytes);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('goes on behind a header whose frame is not there', () => {
    const header = Uint8Array.of(0xb5, 0x62, 1, 7, 40, 0);
    const pieces = piecesOf(header, sentence, frame, sentence);
    assert.deepEqual(
      framesOf(pieces).map(({ bytes }) => bytes),
      [sentence, frame, sentence],
    );
  });

  it('gives lines that are no sentence as noise', () => {
    for (const text of ['$GPZDA,1\n', '$GP\rZDA\r\n', `$${'x'.repeat(200)}\r\n`, '$GP$', 'hello']) {
      const pieces = piecesOf(encodeUtf8(text), sentence);
      assert.deepEqual(framesOf(pieces), [{ kind: 'nmea', bytes: sentence }], text);
    }
  });

  it('holds no more than one frame, whatever comes', () => {
    const splitter = new GnssSplitter();
    const flood = Uint8Array.from(
      { length: 200_000 },
      (_, i) => [0xb5, 0x62, 1, 7, 0, 0x10][i % 6] ?? 0,
    );
    let given = 0;
    for (let at = 0; at < flood.length; at += 1000) {
      for (const piece of splitter.push(flood.subarray(at, at + 1000))) given += piece.bytes.length;
      assert.ok(at + 1000 - given <= GNSS_PENDING_SIZE_BYTES_MAX);
    }
    for (const piece of splitter.end()) given += piece.bytes.length;
    assert.equal(given, flood.length);
    assert.deepEqual(splitter.end(), []);
  });
});
