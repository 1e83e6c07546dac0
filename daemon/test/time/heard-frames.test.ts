import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import {
  decodeRawTimeEvidence,
  encodeRawTimeEvidence,
  encodeTimeNote,
  TIME_FRAME_SIZE_BYTES_MAX,
  type TimeFrame,
  type TimeNoteCode,
  type TimeRecord,
} from '@kudurru/proof';

import { HeardFrames } from '../../src/time/heard-frames.ts';

const second = 1_000_000_000n;
const keepNs = 20n * second;

function record(rawAfterNs: bigint, sizeBytes = 100): TimeRecord {
  const bytes = new Uint8Array(sizeBytes);
  return { kind: 'ubx', rawBeforeNs: rawAfterNs - 10n, rawAfterNs, clockNs: rawAfterNs, bytes };
}

function own(rawAfterNs: bigint): TimeFrame {
  return { source: 0, ...record(rawAfterNs, 0), kind: 'clock-bracket' };
}

function note(code: TimeNoteCode, rawAfterNs: bigint): TimeRecord {
  const bytes = encodeTimeNote({ code, message: 'why', bytes: null });
  return { ...record(rawAfterNs), kind: 'note', bytes };
}

describe('heard frames', () => {
  it('are in the order in which they came, with the own reading last', () => {
    const heard = new HeardFrames(keepNs);
    heard.hear(1, record(30n));
    heard.hear(0, record(20n));
    heard.hear(1, record(25n));
    heard.hear(0, record(50n));
    const frames = heard.until(own(40n));
    assert.deepEqual(
      frames.map(({ source, rawAfterNs }) => [source, rawAfterNs]),
      [
        [0, 20n],
        [1, 25n],
        [1, 30n],
        [0, 40n],
      ],
    );
  });

  it('are kept for their time, also of a source that says nothing more', () => {
    const heard = new HeardFrames(keepNs);
    heard.hear(0, record(second));
    heard.hear(1, record(second));
    heard.hear(1, record(21n * second));
    assert.equal(heard.until(own(21n * second)).length, 4);
    assert.equal(heard.until(own(22n * second)).length, 2);
    heard.forgetBefore(21n * second);
    assert.equal(heard.until(own(22n * second)).length, 1);
    heard.hear(1, record(21n * second));
    assert.equal(heard.until(own(22n * second)).length, 1);
  });

  it('hold the code of a note that speaks against its source, and no other', () => {
    const heard = new HeardFrames(keepNs);
    for (const code of ['started', 'unplugged', 'back', 'flood'] as const) {
      const isTrouble = code === 'unplugged' || code === 'flood';
      assert.deepEqual(heard.hear(0, note(code, 50n)), { code, message: 'why', isTrouble });
    }
    const kept = heard.until(own(90n)).filter(({ kind }) => kind === 'note');
    assert.deepEqual(
      kept.map(({ bytes }) => new TextDecoder().decode(bytes)),
      ['unplugged', 'flood'],
    );
  });

  it('of one source are not pushed out by what another says', () => {
    const heard = new HeardFrames(keepNs);
    for (let i = 0n; i < 500n; i += 1n) heard.hear(0, record(1000n + i));
    for (let i = 0n; i < 10_000n; i += 1n) heard.hear(1, record(500_000n + i, 8));
    for (let i = 0n; i < 200n; i += 1n) heard.hear(1, record(510_000n + i, 4000));
    const frames = heard.until(own(second));
    assert.equal(frames.filter(({ source }) => source === 0).length, 501);
    const others = frames.filter(({ source }) => source === 1);
    assert.ok(others.length > 0);
    assert.equal(others.at(-1)?.rawAfterNs, 510_199n);
  });

  it('are never more than evidence can hold', () => {
    const said = fc.tuple(fc.nat(3), fc.nat(TIME_FRAME_SIZE_BYTES_MAX), fc.nat(60));
    fc.assert(
      fc.property(fc.array(said, { minLength: 1, maxLength: 40 }), (bursts) => {
        const heard = new HeardFrames(keepNs);
        let rawNs = 1000n;
        for (const [source, sizeBytes, times] of bursts) {
          for (let i = 0; i < times; i += 1) heard.hear(source, record((rawNs += 100n), sizeBytes));
        }
        const raw = { version: 2, frames: [...heard.until(own(rawNs))] } as const;
        assert.deepEqual(decodeRawTimeEvidence(encodeRawTimeEvidence(raw)), raw);
      }),
      { numRuns: 30 },
    );
  });

  it('are never more in number than evidence can hold', () => {
    const heard = new HeardFrames(keepNs);
    for (let i = 0n; i < 10_000n; i += 1n) heard.hear(0, record(1000n + i, 0));
    const raw = { version: 2, frames: [...heard.until(own(second))] } as const;
    assert.ok(raw.frames.length > 4000);
    assert.deepEqual(decodeRawTimeEvidence(encodeRawTimeEvidence(raw)), raw);
  });
});
