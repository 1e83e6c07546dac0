import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import {
  concatBytes,
  decodeTimeNote,
  TimeRecordSplitter,
  TimeRecordWriter,
  type TimeNoteCode,
  type TimeRecord,
} from '@kudurru/proof';

import { LineIntake } from '../../gnss-reader/line-intake.ts';
import { Notes } from '../../gnss-reader/notes.ts';
import { receiverEpoch, taiAt } from '../../proof/test/support/scripted-receiver.ts';

const ms = 1_000_000n;
const second = 1000n * ms;
const epoch = receiverEpoch(taiAt('2026-11-22T12:00:00Z'));

class World {
  readonly records: TimeRecord[] = [];
  readonly intake: LineIntake;
  #nowRawNs = 0n;

  constructor(baud = 115_200) {
    const splitter = new TimeRecordSplitter();
    const records = new TimeRecordWriter({
      writableLength: 0,
      write: (bytes) => this.records.push(...splitter.push(bytes)),
    });
    const notes = new Notes(records);
    this.intake = new LineIntake({ baud, records, notes, openedRawNs: 0n });
  }

  get codes(): TimeNoteCode[] {
    const notes = this.records.filter(({ kind }) => kind === 'note');
    return notes.map(({ bytes }) => decodeTimeNote(bytes).code);
  }

  get frames(): TimeRecord[] {
    return this.records.filter(({ kind }) => kind !== 'note');
  }

  hear(bytes: Uint8Array, afterNs = 10n * ms): void {
    const sinceRawNs = this.#nowRawNs;
    this.#nowRawNs += afterNs;
    this.intake.take({ bytes, sinceRawNs, untilRawNs: this.#nowRawNs, realtimeNs: 1n });
  }
}

describe('line intake', () => {
  it('hands on frames by their kind, with when they can have come', () => {
    const world = new World();
    const all = concatBytes(...epoch);
    world.hear(all.subarray(0, 100));
    world.hear(all.subarray(100));
    assert.deepEqual(
      world.records.map(({ bytes }) => bytes),
      epoch,
    );
    const brackets = world.records.map(({ rawBeforeNs, rawAfterNs }) => [rawBeforeNs, rawAfterNs]);
    // The first sentence is of the first read alone, the second of both.
    assert.deepEqual(brackets.slice(0, 3), [
      [0n, 10n * ms],
      [0n, 20n * ms],
      [10n * ms, 20n * ms],
    ]);
  });

  it('tells what is no frame once a second, and not before the first frame', () => {
    const world = new World();
    const [sentence = new Uint8Array(0)] = epoch;
    const noise = new Uint8Array(40).fill(0x80);
    world.hear(concatBytes(noise, sentence));
    assert.deepEqual(world.codes, []);
    for (let i = 0; i < 5; i += 1) world.hear(concatBytes(noise, sentence));
    assert.deepEqual(world.codes, ['malformed']);
    world.hear(concatBytes(noise, sentence), second);
    assert.deepEqual(world.codes, ['malformed', 'malformed']);
    const last = world.records.findLast(({ kind }) => kind === 'note');
    assert.match(decodeTimeNote(last?.bytes ?? noise).message, /: 280 bytes since/u);
  });

  it('tells a line on which there is no frame at all, in pieces that a record can hold', () => {
    const world = new World();
    const noise = new Uint8Array(5000).fill(0x80);
    world.hear(noise);
    assert.deepEqual(world.codes, ['malformed']);
    assert.deepEqual(
      world.frames.map(({ kind, bytes }) => [kind, bytes.length]),
      [
        ['gnss-other', 4200],
        ['gnss-other', 800],
      ],
    );
  });

  it('drops what is more than the line can carry, and begins anew behind it', () => {
    const world = new World(4800);
    const [sentence = new Uint8Array(0)] = epoch;
    world.hear(sentence.subarray(0, 20));
    world.hear(new Uint8Array(5000).fill(0x80));
    world.hear(new Uint8Array(4000).fill(0x80));
    // Half of a sentence whose beginning was dropped.
    world.hear(concatBytes(sentence.subarray(30), sentence), second / 2n);
    assert.deepEqual(world.codes, ['flood']);
    assert.deepEqual(
      concatBytes(...world.frames.map(({ bytes }) => bytes)),
      concatBytes(sentence.subarray(0, 20), sentence.subarray(30), sentence),
    );
    world.hear(sentence, second);
    assert.deepEqual(world.codes, ['flood', 'back']);
    const over = world.records.findLast(({ kind }) => kind === 'note');
    assert.equal(decodeTimeNote(over?.bytes ?? sentence).message, '9000 bytes were dropped');
  });
});
