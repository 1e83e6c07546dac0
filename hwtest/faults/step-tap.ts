/**
 * Listens to what a process does: its TPM commands through a proxy, the calls that make its disk
 * durable through the preload library. Whoever holds the tap is told of each before and after it,
 * one at a time, and says whether it goes on.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { startTpmProxy, type TapSide, type TpmProxy } from '../backends/tpm-proxy.ts';
import { cutPower, writePlan } from './disk-faults.ts';
import { preloadLibrary } from './preload.ts';
import { StepNames, tokenClass } from './step-names.ts';

export type StepAnswer = 'goes on' | 'is lost' | 'power is cut';
export type StepHook = (side: TapSide, name: string) => Promise<StepAnswer>;

/** What makes something durable, or gives it its name. */
const calls = [
  ...['fdatasync segment', 'rename segment', 'rename checkpoint', 'rename facts'],
  ...['fdatasync next-segment', 'fsync journal-folder', 'fsync state-folder', 'rename other'],
  ...['fsync other', 'mkdir other', 'mkdir journal-folder'],
];

const goesOn: StepHook = () => Promise.resolve('goes on');
const letters = { 'goes on': 'g', 'power is cut': 'c' } as const;

export interface TapOptions {
  /** With a short path: holds the sockets, and the plans. */
  readonly folder: string;
  readonly state: string;
  /** The TPM's socket. */
  readonly upstream: string;
  /** What the process has in its command line. */
  readonly program: string;
}

export class StepTap {
  hook: StepHook = goesOn;
  readonly tcti: string;
  readonly #options: TapOptions;
  readonly #proxy: TpmProxy;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #names = new StepNames();
  #launches = 0;
  #planFolder = '';

  private constructor(options: TapOptions, proxy: TpmProxy) {
    this.#options = options;
    this.#proxy = proxy;
    this.tcti = proxy.tcti;
    this.#server = createServer((socket) => this.#listenTo(socket));
  }

  static async start(options: TapOptions): Promise<StepTap> {
    const proxy = await startTpmProxy(options.folder, options.upstream);
    const tap = new StepTap(options, proxy);
    const names = new WeakMap<Buffer, string>();
    const onCommand = async (side: TapSide, command: Buffer): Promise<'goes on' | 'is lost'> => {
      const name = names.get(command) ?? tap.#names.ofCommand(command);
      names.set(command, name);
      const answer = await tap.hook(side, name);
      if (answer === 'power is cut') cutPower(tap.#planFolder);
      return answer === 'goes on' ? 'goes on' : 'is lost';
    };
    proxy.add({ kind: { tap: onCommand }, times: Infinity });
    await new Promise<void>((resolve, reject) => {
      tap.#server.once('error', reject).listen(tap.#askPath, resolve);
    });
    return tap;
  }

  clear(): void {
    this.hook = goesOn;
  }

  /** The environment of a process that is started next. */
  prepare(seed: number): Record<string, string> {
    this.clear();
    this.#names = new StepNames();
    this.#planFolder = join(this.#options.folder, `plan-${++this.#launches}`);
    const { state, program } = this.#options;
    const ask = { socketPath: this.#askPath, calls };
    const plan = { state, program, ask, seed, isTraced: false, tearPercent: 30 };
    return writePlan({ ...plan, folder: this.#planFolder });
  }

  /** A module that passes on to `module` and asks the tap about what changes the token. */
  tapToken(module: string): string {
    const path = join(this.#options.folder, 'token-tap.so');
    copyFileSync(preloadLibrary('token-tap'), path);
    writeFileSync(`${path}.plan`, `${module}\n${this.#askPath}\n`);
    return path;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([
      this.#proxy.stop(),
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
    ]);
  }

  get #askPath(): string {
    return join(this.#options.folder, 'ask.sock');
  }

  #listenTo(socket: Socket): void {
    this.#sockets.add(socket);
    // The process may be killed while it waits for its answer.
    socket.on('error', () => socket.destroy()).once('close', () => this.#sockets.delete(socket));
    let name = '';
    const answer = async (line: string): Promise<void> => {
      const [side, call = '', fileClass = '', path = ''] = line.split('\t');
      if (side === 'before') name = this.#names.ofCall(call, fileClass, path);
      const said = await this.hook(side === 'before' ? 'before' : 'after', name);
      if (said === 'power is cut' && fileClass === tokenClass) cutPower(this.#planFolder);
      if (said !== 'is lost' && !socket.destroyed) socket.write(letters[said]);
    };
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => void answer(line));
    // It passes the socket's errors on.
    lines.on('error', () => socket.destroy());
  }
}
