/**
 * A scripted GNSS receiver on a pseudo-terminal: epochs of NMEA and UBX as a u-blox receiver sends
 * them, with the lies that a drill asks for. It has no clock: whoever plays says which instant an
 * epoch names, so that the truth of a drill is the caller's.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import {
  type ReceiverScript,
  receiverEpoch,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import { compile } from './compile.ts';

/** Of CLOCK_MONOTONIC_RAW: not before the first, and not at all after the last. */
export interface SendingTime {
  readonly firstRawNs: bigint;
  readonly lastRawNs: bigint;
}

type Hear = (bytes: Uint8Array) => void;

/** A line of orders holds no more. */
const piecesSizeBytes = 2048;

export class GnssPlayer {
  /** The serial line that a reader opens. */
  readonly path: string;
  readonly #line: ChildProcessWithoutNullStreams;
  /** Of `send`, in their order. */
  readonly #sending: (() => void)[] = [];
  #timed: ((isSent: boolean) => void) | null = null;
  #isUnplugged = false;

  private constructor(line: ChildProcessWithoutNullStreams, path: string) {
    this.#line = line;
    this.path = path;
  }

  /**
   * `hear` is given what the reader of the line writes, the configuration of a receiver; `launcher`
   * is the command that starts its process.
   */
  static async plugIn(hear?: Hear, launcher: readonly string[] = []): Promise<GnssPlayer> {
    const sources = [new URL('pty.c', import.meta.url)];
    const [program, ...words] = [...launcher, compile({ name: 'pty', kind: 'program', sources })];
    const line = spawn(program, words);
    line.stderr.pipe(process.stderr);
    // What is under way is lost with the line.
    line.stdin.on('error', () => undefined);
    const lines = createInterface(line.stdout);
    const [path] = (await once(lines, 'line')) as [string];
    const player = new GnssPlayer(line, path);
    lines.on('line', (told) => player.#take(told, hear));
    line.once('close', () => player.#end());
    return player;
  }

  get isUnplugged(): boolean {
    return this.#isUnplugged;
  }

  /** Sends the epoch at `taiNs`, a whole second. Settles when the line has taken it. */
  play(taiNs: bigint, script: ReceiverScript = {}): Promise<void> {
    return this.send(Buffer.concat(receiverEpoch(taiNs, script)));
  }

  /** Sends any bytes: noise, a flood, half a frame. Settles when they are taken, or lost. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isUnplugged; at += piecesSizeBytes) {
      const piece = Buffer.from(bytes.subarray(at, at + piecesSizeBytes));
      const taken = new Promise<void>((resolve) => this.#sending.push(resolve));
      this.#line.stdin.write(`send ${piece.toString('hex')}\n`);
      await taken;
    }
  }

  /**
   * Sends at a time, one order after the other: whether it was sent. What nobody read of the last
   * one is lost.
   */
  async sendAt({ firstRawNs, lastRawNs }: SendingTime, bytes: Uint8Array): Promise<boolean> {
    if (this.#isUnplugged) return false;
    const sent = new Promise<boolean>((resolve) => {
      this.#timed = resolve;
    });
    const hex = Buffer.from(bytes).toString('hex');
    this.#line.stdin.write(`between ${firstRawNs} ${lastRawNs} ${hex}\n`);
    return sent;
  }

  /** The line hangs up, as when its plug is pulled. Safe to call twice. */
  async unplug(): Promise<void> {
    if (this.#isUnplugged) return;
    const ended = once(this.#line, 'close');
    this.#line.kill('SIGKILL');
    await ended;
  }

  #take(told: string, hear?: Hear): void {
    const [word = '', hex = ''] = told.split(' ');
    if (word === 'heard') hear?.(Buffer.from(hex, 'hex'));
    else if (word === 'done') this.#sending.shift()?.();
    else this.#timed?.(word === 'kept');
  }

  #end(): void {
    this.#isUnplugged = true;
    for (const taken of this.#sending.splice(0)) taken();
    this.#timed?.(false);
  }
}
