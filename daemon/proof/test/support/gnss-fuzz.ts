/**
 * Fuzz targets of the GNSS parsers. A checksum turns nearly every change away, so each input is
 * tried as it is and once more with a checksum that fits it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { concatBytes, equalBytes } from '../../src/bytes.ts';
import { ProofError } from '../../src/proof-error.ts';
import type { GnssPiece } from '../../src/time/gnss-stream.ts';
import { GNSS_PENDING_SIZE_BYTES_MAX, GnssSplitter } from '../../src/time/gnss-stream.ts';
import { parseNmea } from '../../src/time/nmea.ts';
import {
  encodeUbxFrame,
  parseUbxFrame,
  UBX_PAYLOAD_SIZE_BYTES_MAX,
} from '../../src/time/ubx-frame.ts';
import { parseUbx, UBX_IDS } from '../../src/time/ubx.ts';
import type { FuzzTarget } from './fuzz-targets.ts';
import { nmeaSentence, ubxPoll } from './gnss-encode.ts';
import { testdataPath } from './vectors.ts';

export const GNSS_FUZZ_TARGETS: Readonly<Record<string, () => FuzzTarget>> = {
  nmea: () => ({
    corpus: piecesOf(recording())
      .filter(({ kind }) => kind === 'nmea')
      .map(({ bytes }) => bytes),
    run(bytes) {
      const text = String.fromCharCode(...bytes.subarray(1, 120).map((byte) => byte & 0x7f));
      const fitting = nmeaSentence(text.replace(/\*[^]*/, ''));
      return [bytes, fitting].map((tried) => isTotal(() => parseNmea(tried))).some(Boolean);
    },
  }),
  ubx: () => ({
    corpus: ubxCorpus(),
    run(bytes) {
      const [messageClass = 0, messageId = 0] = bytes.subarray(2);
      const payload = bytes.subarray(6, 6 + UBX_PAYLOAD_SIZE_BYTES_MAX);
      const fitting = encodeUbxFrame({ messageClass, messageId, payload });
      return [bytes, fitting].map((tried) => isTotal(() => readsUbx(tried))).some(Boolean);
    },
  }),
  'gnss-stream': () => ({
    corpus: [recording().subarray(0, 900), ...ubxCorpus()],
    run(bytes) {
      const whole = piecesOf(bytes);
      assert.ok(equalBytes(concatBytes(...whole.map((piece) => piece.bytes)), bytes));
      const at = bytes.reduce((sum, byte) => (sum * 31 + byte) % (bytes.length + 1), 7);
      const parts = piecesOf(bytes.subarray(0, at), bytes.subarray(at));
      assert.deepEqual(framesOf(parts), framesOf(whole));
      return framesOf(whole).length > 0;
    },
  }),
};

/** Twenty epochs of a synthetic receiver. */
export function recording(): Uint8Array {
  return new Uint8Array(readFileSync(testdataPath('gnss/nmea-ubx-20-epochs.bin')));
}

/** All pieces of a stream that comes as `chunks`. */
export function piecesOf(...chunks: readonly Uint8Array[]): GnssPiece[] {
  const splitter = new GnssSplitter();
  const pieces = chunks.flatMap((chunk) => splitter.push(chunk));
  const rest = splitter.end();
  assert.ok(rest.every((piece) => piece.bytes.length <= GNSS_PENDING_SIZE_BYTES_MAX));
  return [...pieces, ...rest];
}

export function framesOf(pieces: readonly GnssPiece[]): GnssPiece[] {
  return pieces.filter(({ kind }) => kind !== 'noise');
}

/** The recorded frames, and one poll of every message that is decoded. */
function ubxCorpus(): Uint8Array[] {
  const recorded = piecesOf(recording()).filter(({ kind }) => kind === 'ubx');
  const kinds = Object.keys(UBX_IDS) as (keyof typeof UBX_IDS)[];
  const [pvt = new Uint8Array(0)] = recorded.map(({ bytes }) => bytes);
  // Long enough for the longest of them, whose length the changes then cut.
  const long = kinds.map((kind) => concatBytes(ubxPoll(kind).subarray(0, 6), pvt.subarray(6)));
  return [...recorded.map(({ bytes }) => bytes), ...kinds.map(ubxPoll), ...long];
}

function readsUbx(bytes: Uint8Array): void {
  assert.ok(equalBytes(encodeUbxFrame(parseUbxFrame(bytes)), bytes));
  parseUbx(bytes);
}

function isTotal(parse: () => void): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}
