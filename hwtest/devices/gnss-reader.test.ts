/** The GNSS reader's process at a scripted receiver, over a line of the kernel's own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { readRawNs } from '@kudurru/native';
import {
  concatBytes,
  decodeTimeNote,
  encodeUbxPoll,
  parseUbx,
  TimeRecordSplitter,
  type TimeNote,
  type TimeNoteCode,
  type TimeRecord,
} from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import {
  receiverEpoch,
  SCRIPTED_RECEIVER_ID,
  taiAt,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import { GnssPlayer } from '../backends/gnss-player.ts';
import { isGone } from '../backends/process-state.ts';

const program = fileURLToPath(new URL('../../daemon/gnss-reader/main.ts', import.meta.url));
const second = 1_000_000_000n;
const begin = taiAt('2026-11-22T12:00:00Z');
const settings = { baud: 115_200, pulse: null, silenceMs: 3_600_000, askEveryMs: 600_000 };
type Settings = { readonly [Name in keyof typeof settings]?: unknown };

/** A reader of its own, and what came from it. */
class ReaderProcess {
  readonly child: ChildProcess;
  readonly records: TimeRecord[] = [];
  readonly #splitter = new TimeRecordSplitter();
  #tell: () => void = () => undefined;
  #read = 0;

  constructor(line: string, changed: Settings = {}) {
    const told = { parentPid: process.pid, line, ...settings, ...changed };
    this.child = spawn(process.execPath, [program, JSON.stringify(told)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (piece: Buffer) => {
      this.records.push(...this.#splitter.push(piece));
      this.#tell();
    });
  }

  /** The next record that has not been looked at and is so. */
  async next(isWanted: (record: TimeRecord) => boolean): Promise<TimeRecord> {
    for (;;) {
      const record = this.records[this.#read];
      if (record === undefined) {
        await new Promise<void>((resolve) => (this.#tell = resolve));
        continue;
      }
      this.#read += 1;
      if (isWanted(record)) return record;
    }
  }

  async nextNote(code: TimeNoteCode): Promise<TimeNote> {
    const record = await this.next(({ kind, bytes }) => {
      return kind === 'note' && decodeTimeNote(bytes).code === code;
    });
    return decodeTimeNote(record.bytes);
  }

  /** The frames with these bytes, which come next and alone. */
  async nextBytes(bytes: Uint8Array): Promise<TimeRecord[]> {
    const frames: TimeRecord[] = [];
    for (let size = 0; size < bytes.length;) {
      const frame = await this.next(({ kind }) => kind !== 'note');
      frames.push(frame);
      size += frame.bytes.length;
    }
    assert.deepEqual(concatBytes(...frames.map((frame) => frame.bytes)), bytes);
    return frames;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

describe('gnss reader', function () {
  this.timeout(120_000);
  const open = new Set<{ end(): Promise<void> }>();
  let folder: string;
  /** Of the line, however often it is plugged in. */
  let line: string;
  /** What the reader writes to the receiver, and who waits for it. */
  let asked: Uint8Array;
  let tell: () => void = () => undefined;
  let player: GnssPlayer;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-gnss-'));
    line = join(folder, 'line');
    await plugIn();
  });
  afterEach(async () => {
    for (const each of open) await each.end();
    open.clear();
    await player.unplug();
    rmSync(folder, { recursive: true });
  });

  async function plugIn(): Promise<void> {
    asked = new Uint8Array(0);
    player = await GnssPlayer.plugIn((bytes) => {
      asked = concatBytes(asked, bytes);
      tell();
    });
    symlinkSync(player.path, `${line}.new`);
    renameSync(`${line}.new`, line);
  }

  async function start(changed: Settings = {}): Promise<ReaderProcess> {
    const reader = new ReaderProcess(line, changed);
    open.add(reader);
    await reader.nextNote('started');
    return reader;
  }

  /** One version, and then ids: what it asks of a line that was opened. */
  async function untilAsked(questions: number): Promise<void> {
    const [version, id] = [encodeUbxPoll('mon-ver'), encodeUbxPoll('sec-uniqid')];
    const expected = concatBytes(version, ...Array.from({ length: questions - 1 }, () => id));
    while (asked.length < expected.length) await new Promise<void>((resolve) => (tell = resolve));
    assert.deepEqual(asked.subarray(0, expected.length), expected);
  }

  it('hands on each frame as it came, with when it can have come', async () => {
    const reader = await start();
    for (let i = 0n; i < 3n; i += 1n) {
      const epoch = receiverEpoch(begin + i * second);
      const sentFromRawNs = readRawNs();
      await player.send(concatBytes(...epoch));
      const sentUntilRawNs = readRawNs();
      const frames = await reader.nextBytes(concatBytes(...epoch));
      assert.deepEqual(
        frames.map(({ bytes }) => bytes),
        epoch,
      );
      for (const { kind, bytes, rawBeforeNs, rawAfterNs, clockNs } of frames) {
        assert.equal(kind, bytes[0] === 0x24 ? 'nmea' : 'ubx');
        assert.ok(rawBeforeNs <= sentUntilRawNs && sentFromRawNs <= rawAfterNs);
        assert.ok(rawBeforeNs < rawAfterNs && clockNs !== null);
      }
    }
    for (const [i, { rawAfterNs }] of reader.records.entries()) {
      assert.ok(rawAfterNs >= (reader.records[i - 1]?.rawAfterNs ?? 0n));
    }
  });

  it('begins a frame that comes in pieces with its first', async () => {
    const reader = await start();
    const [sentence = new Uint8Array(0)] = receiverEpoch(begin, { protocol: 'ubx' });
    await player.send(sentence.subarray(0, 30));
    const betweenRawNs = readRawNs();
    await player.send(sentence.subarray(30));
    const [frame] = await reader.nextBytes(sentence);
    assert.ok(frame !== undefined);
    assert.ok(frame.rawBeforeNs <= betweenRawNs && betweenRawNs <= frame.rawAfterNs);
  });

  it('asks who the receiver is, again and again, and writes nothing else', async () => {
    await start({ askEveryMs: 100 });
    await untilAsked(5);
  });

  it('tells what is no frame, hands it on too, and goes on behind it', async () => {
    const reader = await start();
    const [first = new Uint8Array(0), ...rest] = receiverEpoch(begin);
    // A line is opened in the midst of a frame: that is nothing to tell.
    await player.send(concatBytes(first.subarray(20), first));
    await reader.nextBytes(concatBytes(first.subarray(20), first));
    const noise = Uint8Array.from({ length: 300 }, (_, i) => 0x80 + (i % 32));
    const cut = first.subarray(0, 25);
    await player.send(concatBytes(noise, cut, ...rest));
    const { message, bytes } = await reader.nextNote('malformed');
    assert.match(message, /^neither NMEA nor UBX: \d+ bytes since the line was opened$/u);
    assert.ok(Buffer.from(noise).indexOf(Buffer.from(bytes ?? [])) === 0);
    await reader.next(({ bytes: each }) => Buffer.from(rest.at(-1) ?? []).equals(each));
    const handed = concatBytes(...framesOf(reader).map((frame) => frame.bytes));
    assert.deepEqual(handed, concatBytes(first.subarray(20), first, noise, cut, ...rest));
    const others = framesOf(reader).filter(({ kind }) => kind === 'gnss-other');
    assert.deepEqual(
      concatBytes(...others.map((frame) => frame.bytes)),
      concatBytes(first.subarray(20), noise, cut),
    );
    const told = reader.records.filter(({ kind }) => kind === 'note').map(codeOf);
    assert.deepEqual(told, ['started', 'malformed']);
  });

  it('tells that the line went away and is there again, and asks anew who it is', async () => {
    const reader = await start();
    await player.play(begin);
    await reader.next(({ kind }) => kind === 'ubx');
    rmSync(line);
    await player.unplug();
    await reader.nextNote('unplugged');
    await plugIn();
    assert.match((await reader.nextNote('back')).message, /its unique id is asked$/u);
    await player.play(begin + second, { receiverId: Uint8Array.of(1, 2, 3, 4, 5) });
    const answer = await reader.next(({ kind, bytes }) => kind === 'ubx' && isId(bytes));
    const message = parseUbx(answer.bytes);
    assert.ok(message.kind === 'sec-uniqid');
    assert.notDeepEqual(message.uniqueId, SCRIPTED_RECEIVER_ID);
    await untilAsked(2);
  });

  it('waits for a receiver that is not there', async () => {
    rmSync(line);
    await player.unplug();
    const reader = new ReaderProcess(line);
    open.add(reader);
    assert.match((await reader.nextNote('unplugged')).message, /No such file/u);
    await plugIn();
    await reader.nextNote('back');
    await player.play(begin);
    await reader.next(({ kind }) => kind === 'nmea');
  });

  it('tells that nothing comes, and that it is heard again', async () => {
    const reader = await start({ silenceMs: 50 });
    assert.equal((await reader.nextNote('stall')).message, 'not a byte came for 50 ms');
    await player.play(begin);
    await reader.nextNote('back');
    await reader.nextNote('stall');
  });

  it('keeps nothing of what is more than the line can carry, until that is over', async () => {
    const fromRawNs = readRawNs();
    const reader = await start({ baud: 4800 });
    await player.send(new Uint8Array(200_000).fill(0xff));
    await reader.nextNote('flood');
    const [sentence = new Uint8Array(0)] = receiverEpoch(begin);
    while (!codesOf(reader).includes('back')) {
      await player.send(sentence);
      await sleep(200);
    }
    const seconds = Number((readRawNs() - fromRawNs) / second) + 1;
    const others = framesOf(reader).filter(({ kind }) => kind === 'gnss-other');
    const kept = concatBytes(...others.map(({ bytes }) => bytes));
    assert.ok(kept.length <= 4200 + 480 * seconds, `${kept.length} bytes in ${seconds} s`);
  });

  it('has no capability in any thread, and can get none', async () => {
    const { child } = await start();
    for (const thread of readdirSync(`/proc/${child.pid}/task`)) {
      const status = readFileSync(`/proc/${child.pid}/task/${thread}/status`, 'utf8');
      assert.match(status, /^CapEff:\t0+$/mu);
      assert.match(status, /^CapPrm:\t0+$/mu);
      assert.match(status, /^NoNewPrivs:\t1$/mu);
    }
  });

  it('tells a pulse that cannot be read, and goes on without', async () => {
    const reader = await start({ pulse: '/nonexistent/pps0' });
    assert.match((await reader.nextNote('not-supported')).message, /pps0": ENOENT$/u);
    await player.play(begin);
    await reader.next(({ kind }) => kind === 'nmea');
    assert.equal(codesOf(reader).filter((code) => code === 'not-supported').length, 1);
  });

  it('refuses settings that it does not know', () => {
    const told = JSON.stringify({ parentPid: process.pid, line, ...settings, baud: 1234 });
    const { status, stderr } = spawnSync(process.execPath, [program, told], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /settings: baud is 1234/u);
    const alone = spawnSync(process.execPath, [program], { encoding: 'utf8' });
    assert.equal(alone.status, 2);
    assert.match(alone.stderr, /is started by kudurrud/u);
  });

  it('ends when nobody reads it any more', async () => {
    const reader = await start();
    const ended = once(reader.child, 'exit');
    reader.child.stdout?.destroy();
    await player.play(begin);
    assert.deepEqual(await ended, [0, null]);
  });

  it('ends with the process that started it, by kill -9 too', async () => {
    const told = JSON.stringify({ line, ...settings });
    const script = `const told = JSON.parse(process.argv[1]);
      const settings = JSON.stringify({ ...told, parentPid: process.pid });
      const options = { stdio: ['ignore', 'pipe', 'inherit'] };
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, [process.argv[2], settings], options);
      child.stdout.once('data', () => process.stdout.write(String(child.pid)));`;
    const parent = spawn(process.execPath, ['-e', script, told, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    open.add({ end: async () => void parent.kill('SIGKILL') });
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    parent.kill('SIGKILL');
    assert.ok(await isGone(Number(pid)));
  });
});

function framesOf({ records }: ReaderProcess): TimeRecord[] {
  return records.filter(({ kind }) => kind !== 'note');
}

function codesOf({ records }: ReaderProcess): TimeNoteCode[] {
  return records.filter(({ kind }) => kind === 'note').map(codeOf);
}

function codeOf({ bytes }: TimeRecord): TimeNoteCode {
  return decodeTimeNote(bytes).code;
}

function isId(bytes: Uint8Array): boolean {
  return parseUbx(bytes).kind === 'sec-uniqid';
}
