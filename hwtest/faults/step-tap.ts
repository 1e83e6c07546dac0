/**
 * Listens to what a process does: its TPM commands through a proxy, the calls that make its disk
 * durable through the preload library. Whoever holds the tap is told of each before and after it,
 * one at a time, and says whether it goes on.
 */
import { closeSync, constants, copyFileSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { startTpmProxy, type TapSide, type TpmProxy } from '../backends/tpm-proxy.ts';
import { fifoOf, writePlans, type FaultPlan } from './disk-faults.ts';
import { preloadLibrary } from './preload.ts';
import { StepNames, tokenClass } from './step-names.ts';

export type StepAnswer = 'goes on' | 'is lost' | 'power is cut';
export type StepHook = (side: TapSide, name: string) => Promise<StepAnswer>;

/** What makes something durable, or gives it its name. */
const calls = [
  ...['fdatasync segment', 'rename segment', 'rename checkpoint', 'rename facts'],
  ...['fdatasync next-segment', 'fsync journal-folder', 'fsync state-folder', 'rename other'],
  ...['fsync other', 'mkdir other', 'unlink other', 'mkdir journal-folder'],
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
  /** What one has that it starts, and the files that this one makes durable. */
  readonly helper?: { readonly program: string; readonly only: readonly string[] };
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
  /** A byte into each cuts the power of the program that has it, now or when it listens. */
  #fifos: readonly number[] = [];

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
      if (answer === 'power is cut') tap.#cutPower();
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
    this.#closeFifos();
    const { folder, state, program, helper } = this.#options;
    const ask = { socketPath: this.#askPath, calls };
    const common = { state, ask, seed, isTraced: false, tearPercent: 30 };
    const own = join(folder, `plan-${++this.#launches}`);
    const plans: FaultPlan[] = [{ ...common, program, folder: own }];
    if (helper !== undefined) plans.push({ ...common, ...helper, folder: join(own, 'helper') });
    const environment = writePlans(plans);
    const mode = constants.O_RDWR | constants.O_NONBLOCK;
    this.#fifos = plans.map((plan) => openSync(fifoOf(plan.folder), mode));
    return environment;
  }

  /** A module that passes on to `module` and asks the tap about what changes the token. */
  tapToken(module: string): string {
    const path = join(this.#options.folder, 'token-tap.so');
    copyFileSync(preloadLibrary('token-tap'), path);
    writeFileSync(`${path}.plan`, `${module}\n${this.#askPath}\n`);
    return path;
  }

  async stop(): Promise<void> {
    this.#closeFifos();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([
      this.#proxy.stop(),
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
    ]);
  }

  #cutPower(): void {
    for (const fifo of this.#fifos) writeSync(fifo, '!');
  }

  #closeFifos(): void {
    for (const fifo of this.#fifos) closeSync(fifo);
    this.#fifos = [];
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
      if (said === 'power is cut') this.#cutPower();
      // The token's module knows no cut: it waits for its end, and does nothing more.
      const isLost = said === 'is lost' || (said === 'power is cut' && fileClass === tokenClass);
      if (!isLost && !socket.destroyed) socket.write(letters[said]);
    };
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => void answer(line));
    // It passes the socket's errors on.
    lines.on('error', () => socket.destroy());
  }
}
