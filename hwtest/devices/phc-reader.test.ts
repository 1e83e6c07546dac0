/** The PHC reader: on real devices, on what is none, and on answers that a driver would give. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

import { NativeError, type PhcReading, type PhcRung } from '@kudurru/native';
import {
  decodePhcWay,
  decodeTimeNote,
  TimeRecordSplitter,
  TimeRecordWriter,
  type TimeRecord,
} from '@kudurru/proof';
import { describe, it } from 'mocha';

import { PhcReader, phcFrame } from '../../daemon/phc-reader/reader.ts';
import { parsePhcSettings } from '../../daemon/phc-reader/settings.ts';

const program = new URL('../../daemon/phc-reader/main.ts', import.meta.url);
const device = '/dev/ptp0';

function readingBy(
  rung: PhcRung,
  systemClock: PhcReading['systemClock'] = 'monotonic-raw',
): PhcReading {
  return {
    ...{ rung, systemClock, systemBeforeNs: 1_100n, phcNs: 9_000n, systemAfterNs: 1_150n },
    ...{ rawBeforeNs: 1_000n, rawAfterNs: 2_000n },
  };
}

/** What a reader writes, whose driver answers so, one look after the other. */
function written(answers: readonly (PhcReading | 'gone')[]): TimeRecord[] {
  const pieces: Uint8Array[] = [];
  const sink = { writableLength: 0, write: (piece: Uint8Array) => pieces.push(piece) > 0 };
  const left = [...answers];
  const reader = new PhcReader({
    ...{ device, intervalMs: 20, records: new TimeRecordWriter(sink) },
    read() {
      const answer = left.shift();
      if (answer !== 'gone' && answer !== undefined) return answer;
      const failure = { domain: 'errno', code: 'ENODEV', operation: 'readPhc' } as const;
      throw new NativeError('it is gone', failure);
    },
  });
  for (const _ of answers) reader.look();
  const splitter = new TimeRecordSplitter();
  return pieces.flatMap((piece) => splitter.push(piece));
}

function told(records: readonly TimeRecord[]): string[] {
  return records.map(({ kind, bytes }) => (kind === 'note' ? decodeTimeNote(bytes).code : kind));
}

/** The first record of the program on this device. */
async function firstOf(path: string): Promise<TimeRecord> {
  const settings = JSON.stringify({ parentPid: process.pid, device: path, intervalMs: 20 });
  const child = spawn(process.execPath, [program.pathname, settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const splitter = new TimeRecordSplitter();
    for await (const piece of child.stdout) {
      const [first] = splitter.push(new Uint8Array(piece as Buffer));
      if (first !== undefined) return first;
    }
    throw new Error('it ended without a record');
  } finally {
    child.kill('SIGKILL');
  }
}

describe('phc reader', () => {
  it('hands on by which way the clock was read, and the bracket that is worth', () => {
    for (const rung of ['precise', 'extended', 'plain'] as const) {
      const [, frame] = written([readingBy(rung)]);
      assert(frame?.kind === 'phc-bracket');
      assert.deepEqual(
        [frame.rawBeforeNs, frame.clockNs, frame.rawAfterNs],
        [1_100n, 9_000n, 1_150n],
      );
      assert.equal(decodePhcWay(frame.bytes).rung, rung);
    }
    const { rawBeforeNs, rawAfterNs, bytes } = phcFrame(readingBy('plain', 'realtime'));
    assert.deepEqual([rawBeforeNs, rawAfterNs], [1_000n, 2_000n]);
    assert.equal(decodePhcWay(bytes).systemClock, 'realtime');
  });

  it('says that the clock went away and came back, once each', () => {
    const reading = readingBy('extended');
    assert.deepEqual(told(written([reading, 'gone', 'gone', reading, reading])), [
      ...['started', 'phc-bracket', 'unplugged', 'back', 'phc-bracket', 'phc-bracket'],
    ]);
    assert.deepEqual(told(written(['gone', reading])), ['unplugged', 'back', 'phc-bracket']);
  });

  it('says what a device is that is no clock, and goes on', async () => {
    for (const [path, code] of [
      ['/dev/null', 'ENOTTY'],
      ['/nonexistent/ptp0', 'ENOENT'],
    ] as const) {
      const { kind, bytes } = await firstOf(path);
      assert.equal(kind, 'note');
      const note = decodeTimeNote(bytes);
      assert.equal(note.code, 'unplugged');
      assert.match(note.message, new RegExp(code));
    }
  });

  it('refuses settings that are none', () => {
    const good = { parentPid: 7, device, intervalMs: 500 };
    assert.deepEqual(parsePhcSettings(JSON.stringify(good)), good);
    for (const bad of [{ device: 'ptp0' }, { intervalMs: 1 }, { parentPid: 0 }, { baud: 9600 }]) {
      assert.throws(() => parsePhcSettings(JSON.stringify({ ...good, ...bad })), TypeError);
    }
  });

  if (existsSync(device)) {
    it('reads the clock of a network card', async () => {
      const { kind, bytes } = await firstOf(device);
      assert.equal(kind, 'note');
      assert.equal(decodeTimeNote(bytes).code, 'started');
    });
  } else {
    it(`reads the clock of a network card: no ${device} on this machine`);
  }
});
