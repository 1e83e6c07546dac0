/**
 * A whole appliance on emulated devices in a folder of its own: the devices live with the test, the
 * real daemon is started, stopped and killed by it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { makeFolder } from '../../daemon/src/base/make-folder.ts';
import { type EmulatedDevices, startEmulatedDevices } from './emulated-devices.ts';

const daemonProgram = fileURLToPath(new URL('../../daemon/src/main.ts', import.meta.url));

export interface DaemonOptions {
  /** Added to the environment of the daemon (and so of its device helper). */
  readonly environment?: Readonly<Record<string, string>>;
  /** Added to its command line. */
  readonly flags?: readonly string[];
  /** User and group that it runs as, where we may choose. */
  readonly uid?: number;
}

export interface DaemonEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of `kudurrud`. */
export class RunningDaemon {
  readonly child: ChildProcess;
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<DaemonEnd>;
  /** Resolves when its doors are open; rejects with what it said when it ends before that. */
  readonly ready: Promise<void>;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    this.ended = new Promise((done) => {
      child.once('close', (code, signal) => done({ code, signal }));
    });
    this.ready = this.#untilReady();
  }

  /** What it wrote to stderr so far. */
  get log(): string {
    return this.#lines.join('\n');
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the daemon was not started');
    return this.child.pid;
  }

  /** When it has written a line with `text` in it; rejects when it ends before that. */
  async untilSaid(text: string): Promise<void> {
    if (this.log.includes(text)) return;
    const said = Promise.withResolvers<void>();
    const look = (line: string): void => (line.includes(text) ? said.resolve() : undefined);
    this.#listeners.add(look);
    void this.ended.then(() => said.reject(new Error(`it never said '${text}':\n${this.log}`)));
    await said.promise.finally(() => this.#listeners.delete(look));
  }

  /** In order: SIGTERM, then the end. */
  async stop(): Promise<DaemonEnd> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  async kill(): Promise<DaemonEnd> {
    this.child.kill('SIGKILL');
    return this.ended;
  }

  async #untilReady(): Promise<void> {
    if (this.child.stderr === null) throw new Error('the daemon has no stderr');
    const isReady = Promise.withResolvers<void>();
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      this.#lines.push(line);
      for (const listener of this.#listeners) listener(line);
      if (line.includes('"what":"ready"')) isReady.resolve();
    });
    void this.ended.then(({ code, signal }) => {
      const how = signal ?? `exit code ${code}`;
      isReady.reject(new Error(`the daemon ended before it was ready (${how}):\n${this.log}`));
    });
    return isReady.promise;
  }
}

export class Appliance {
  readonly state: string;
  readonly devices: EmulatedDevices;
  #daemon: RunningDaemon | null = null;

  private constructor(state: string, devices: EmulatedDevices) {
    this.state = state;
    this.devices = devices;
  }

  /** Starts the devices; no daemon yet. */
  static async prepare(
    folder: string,
    token: 'initialised' | 'blank' = 'initialised',
  ): Promise<Appliance> {
    const state = resolve(folder);
    makeFolder(state, 0o700);
    return new Appliance(state, await startEmulatedDevices(join(state, 'devices'), token));
  }

  /** The newest run of the daemon. */
  get daemon(): RunningDaemon {
    if (this.#daemon === null) throw new Error('no daemon was started');
    return this.#daemon;
  }

  get agentSocket(): string {
    return join(this.state, 'agent.sock');
  }

  get controlSocket(): string {
    return join(this.state, 'control.sock');
  }

  /** A daemon that may yet refuse to start: await its `ready`. */
  launch(options: DaemonOptions = {}): RunningDaemon {
    const child = spawn(
      process.execPath,
      [daemonProgram, '--state', this.state, ...(options.flags ?? [])],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...options.environment },
        ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
      },
    );
    this.#daemon = new RunningDaemon(child);
    // A test that wants a refused start awaits `ended` and not this.
    this.#daemon.ready.catch(() => undefined);
    return this.#daemon;
  }

  async start(options: DaemonOptions = {}): Promise<RunningDaemon> {
    const daemon = this.launch(options);
    await daemon.ready;
    return daemon;
  }

  /** Ends the daemon (in order) and the devices. */
  async stop(): Promise<void> {
    await this.#daemon?.stop();
    await this.devices.stop();
  }
}
