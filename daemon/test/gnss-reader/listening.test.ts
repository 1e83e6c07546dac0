import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { NativeError, readRawNs } from '@kudurru/native';
import {
  concatBytes,
  decodeTimeNote,
  encodeUbxPoll,
  TimeRecordSplitter,
  TimeRecordWriter,
  type TimeRecord,
} from '@kudurru/proof';

import { Listening } from '../../gnss-reader/listening.ts';
import { Notes } from '../../gnss-reader/notes.ts';
import { PulseEdges, type PulseLook } from '../../gnss-reader/pulse-edges.ts';
import { LineError } from '../../gnss-reader/serial-line.ts';
import { receiverEpoch, taiAt } from '../../proof/test/support/scripted-receiver.ts';

const ms = 1_000_000n;
const epochNs = 1_795_348_800_000_000_000n;
const settings = {
  ...{ parentPid: process.pid, line: '/dev/ttyACM0', baud: 9600, pulse: '/dev/pps0' },
  ...{ silenceMs: 3_600_000, askEveryMs: 600_000 },
};

/** What the kernel says of a pulse when it is looked at: after so many edges, the last one at. */
function look(atNs: bigint, edges: number, edgeNs: bigint): PulseLook {
  const realtime = { rawBeforeNs: atNs, valueNs: epochNs + atNs, rawAfterNs: atNs + 100n };
  const assertRealtimeNs = epochNs + edgeNs;
  return { begunRawNs: atNs, reading: { assertSequence: edges, assertRealtimeNs, realtime } };
}

/** A line that brings these bytes, and then goes away once `isOver` says so. */
async function listen(
  looks: (() => PulseLook)[],
  isOver: (records: readonly TimeRecord[]) => boolean,
): Promise<{ readonly records: readonly TimeRecord[]; readonly asked: Uint8Array }> {
  const records: TimeRecord[] = [];
  const splitter = new TimeRecordSplitter();
  const writer = new TimeRecordWriter({
    writableLength: 0,
    write: (bytes) => records.push(...splitter.push(bytes)),
  });
  const [sentence = new Uint8Array(0)] = receiverEpoch(taiAt('2026-11-22T12:00:00Z'));
  const brought = [sentence];
  let asked: Uint8Array = new Uint8Array(0);
  const line = {
    ask: (question: Uint8Array) => {
      asked = concatBytes(asked, question);
    },
    read: () => {
      const bytes = brought.shift();
      const untilRawNs = readRawNs();
      if (bytes !== undefined) return { bytes, sinceRawNs: 0n, untilRawNs, realtimeNs: 1n };
      if (isOver(records)) throw new LineError('gone');
      return null;
    },
  };
  const last = looks.at(-1);
  const pulse = new PulseEdges(() => (looks.shift() ?? last ?? assert.fail('no look'))());
  const notes = new Notes(writer);
  const listening = new Listening({ line, pulse, settings, records: writer, notes });
  await assert.rejects(listening.listen(new AbortController().signal), LineError);
  assert.ok(listening.hasHeard);
  return { records, asked };
}

describe('listening', () => {
  it('hands on the edges of a pulse beside the frames', async () => {
    const looks = [
      look(1000n * ms, 7, 100n * ms),
      look(1010n * ms, 7, 100n * ms),
      look(1020n * ms, 8, 1015n * ms),
    ].map((each) => () => each);
    const isPulse = ({ kind }: TimeRecord): boolean => kind === 'pps';
    const { records, asked } = await listen(looks, (told) => told.some(isPulse));
    const [edge, ...others] = records.filter(isPulse);
    assert.ok(edge !== undefined && others.length === 0);
    assert.ok(edge.rawBeforeNs <= 1015n * ms && 1015n * ms <= edge.rawAfterNs);
    assert.equal(edge.clockNs, epochNs + 1015n * ms);
    assert.equal(edge.bytes.length, 0);
    assert.ok(records.some(({ kind }) => kind === 'nmea'));
    assert.deepEqual(asked, concatBytes(encodeUbxPoll('mon-ver'), encodeUbxPoll('sec-uniqid')));
  });

  it('tells once that a pulse cannot be read, and tries again', async () => {
    let attempts = 0;
    const missing = (): never => {
      attempts += 1;
      throw new NativeError('no such pulse', {
        ...{ domain: 'errno', code: 'ENOENT', operation: 'readPulse' },
      });
    };
    const { records } = await listen([missing], () => attempts === 2);
    const notes = records.filter(({ kind }) => kind === 'note');
    assert.deepEqual(
      notes.map(({ bytes }) => decodeTimeNote(bytes)),
      [{ code: 'not-supported', message: 'no such pulse', bytes: null }],
    );
  });
});
