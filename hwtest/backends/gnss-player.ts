/**
 * A scripted GNSS receiver on a pseudo-terminal: epochs of NMEA and UBX as a u-blox receiver sends
 * them, with the lies that a drill asks for. It has no clock: whoever plays says which instant an
 * epoch names, so that the truth of a drill is the caller's.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

import {
  type ReceiverScript,
  receiverEpoch,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import { compile } from './compile.ts';

export class GnssPlayer {
  /** The serial line that a reader opens. */
  readonly path: string;
  readonly #line: ChildProcessWithoutNullStreams;

  private constructor(line: ChildProcessWithoutNullStreams, path: string) {
    this.#line = line;
    this.path = path;
  }

  static async plugIn(): Promise<GnssPlayer> {
    const sources = [new URL('pty.c', import.meta.url)];
    const line = spawn(compile({ name: 'pty', kind: 'program', sources }));
    line.stderr.pipe(process.stderr);
    const [path] = (await once(line.stdout, 'data')) as [Buffer];
    // What is written back, the configuration of a receiver, is not followed.
    line.stdout.resume();
    return new GnssPlayer(line, path.toString('utf8').trim());
  }

  /** Sends the epoch at `taiNs`, a whole second. Settles when the line has taken it. */
  play(taiNs: bigint, script: ReceiverScript = {}): Promise<void> {
    return this.send(Buffer.concat(receiverEpoch(taiNs, script)));
  }

  /** Sends any bytes: noise, a flood, half a frame. */
  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#line.stdin.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The line hangs up, as when its plug is pulled. Safe to call twice. */
  async unplug(): Promise<void> {
    if (this.#line.exitCode !== null || this.#line.signalCode !== null) return;
    const ended = once(this.#line, 'exit');
    // What is under way is lost with the line.
    this.#line.stdin.on('error', () => undefined);
    this.#line.kill('SIGKILL');
    await ended;
  }
}
