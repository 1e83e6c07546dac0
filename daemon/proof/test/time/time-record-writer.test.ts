import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeTimeNote, TimeRecordSplitter } from '../../src/time/time-stream.ts';
import type { TimeRecord } from '../../src/time/time-stream.ts';
import { TimeRecordWriter } from '../../src/time/time-record-writer.ts';

const at = { rawBeforeNs: 1n, rawAfterNs: 2n, clockNs: 3n };
const frame: TimeRecord = { kind: 'nmea', ...at, bytes: Uint8Array.of(0x24) };

describe('time record writer', () => {
  const read: TimeRecord[] = [];
  const splitter = new TimeRecordSplitter();
  const sink = {
    writableLength: 0,
    write: (bytes: Uint8Array) => read.push(...splitter.push(bytes)),
  };
  const writer = new TimeRecordWriter(sink);

  it('writes frames and notes', () => {
    writer.frame(frame);
    writer.note('malformed', { message: 'x'.repeat(2000), bytes: Uint8Array.of(1), at });
    assert.deepEqual(read[0], frame);
    const { code, message, bytes } = decodeTimeNote(read[1]?.bytes ?? new Uint8Array(0));
    assert.deepEqual([code, message.length, bytes], ['malformed', 900, Uint8Array.of(1)]);
  });

  it('drops while nobody reads, and tells how many', () => {
    const before = read.length;
    sink.writableLength = 2 ** 20 + 1;
    for (let i = 0; i < 3; i += 1) writer.frame(frame);
    assert.equal(read.length, before);
    sink.writableLength = 0;
    writer.frame(frame);
    const note = decodeTimeNote(read[before]?.bytes ?? new Uint8Array(0));
    assert.deepEqual(note, { code: 'dropped', message: '3 records', bytes: null });
    assert.deepEqual(read[before + 1], frame);
  });
});
