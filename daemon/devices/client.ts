/**
 * The daemon's side of the device helper: the two device interfaces over its channel.
 *
 * A call ends at its deadline whatever the helper does. When the helper is lost, every pending call
 * ends with `device-helper-lost`, and so does every later one; the owner starts a new helper or
 * stops.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { DeviceError } from '../src/hardware/device-error.ts';
import type { DeviceSettings } from '../src/hardware/device-settings.ts';
import {
  type DeviceName,
  type Devices,
  type Failure,
  type Reply,
  deviceMethods,
} from './protocol.ts';

export interface DeviceHelper {
  readonly pid: number;
  readonly attestationDevice: Devices['tpm'];
  readonly signingToken: Devices['token'];
  readonly tokenPin: Devices['pin'];
  /**
   * Settles when the helper has ended: undefined after `close`, else the error of all its calls.
   */
  readonly ended: Promise<DeviceError | undefined>;
  /** Puts the devices in order and ends the helper. Safe to call twice. */
  close(): Promise<void>;
}

/** The helper answers a deadline itself; this much later it is given up as stuck. */
const graceMs = 1000;

/** A helper that then says nothing at all for so long is ended: a library holds up its thread. */
const stuckTimeoutMs = 5000;

/** An orderly end takes milliseconds; a device that does not answer must not hold up the stop. */
const closeTimeoutMs = 5000;

/** Calls after which the device may be in another state than before. */
const changing: ReadonlySet<string> = new Set([
  ...['setAuthorisation', 'preparePin', 'adoptPin', 'approveBoot'],
  ...['incrementCounter', 'extendPcr', 'extendIndex', 'provision'],
]);

interface Pending {
  readonly method: string;
  resolve(value: unknown): void;
  reject(error: DeviceError): void;
}

/** Starts the helper. The devices are opened on first use: a missing one fails its first call. */
export function startDeviceHelper(settings: DeviceSettings): DeviceHelper {
  const program = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = fork(program, [], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...settings.environment },
    // Nothing the helper or its libraries print may mix with the daemon's results.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  child.send({ settings, parentPid: process.pid });
  return new HelperConnection(child);
}

class HelperConnection implements DeviceHelper {
  readonly pid: number;
  readonly attestationDevice: Devices['tpm'];
  readonly signingToken: Devices['token'];
  readonly tokenPin: Devices['pin'];
  readonly ended: Promise<DeviceError | undefined>;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #replies = 0;
  #closing = false;
  #lost: string | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.attestationDevice = this.#deviceOf('tpm');
    this.signingToken = this.#deviceOf('token');
    this.tokenPin = this.#deviceOf('pin');
    child.on('message', (reply: Reply) => this.#take(reply));
    const { promise, resolve } = Promise.withResolvers<DeviceError | undefined>();
    this.ended = promise;
    child.once('error', (error) => resolve(this.#lose(error.message)));
    child.once('exit', (code, signal) => resolve(this.#lose(`it ended with ${signal ?? code}`)));
  }

  async close(): Promise<void> {
    if (this.#lost === undefined && !this.#closing) {
      this.#closing = true;
      this.#child.send({ stop: true });
    }
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), closeTimeoutMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** An object with the device's methods, each of which is one request. */
  #deviceOf<Name extends DeviceName>(name: Name): never {
    const methods = deviceMethods[name].map((method) => [
      method,
      (...args: readonly unknown[]) => this.#call(name, method, args),
    ]);
    // The method names are the interface's own: protocol.ts lists them beside it.
    return Object.fromEntries(methods) as never;
  }

  #call(device: DeviceName, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#lost !== undefined || this.#closing) {
      return Promise.reject(helperLost(method, this.#lost ?? 'it is being stopped', false));
    }
    const timeoutMs = Number(args.at(-1));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => this.#expire(id, timeoutMs), timeoutMs + graceMs);
    const settled = (): void => {
      clearTimeout(timer);
      this.#pending.delete(id);
    };
    this.#pending.set(id, {
      method,
      resolve: (value) => (settled(), resolve(value)),
      reject: (error) => (settled(), reject(error)),
    });
    this.#child.send({ id, device, method, args });
    return promise;
  }

  #take(reply: Reply): void {
    this.#replies += 1;
    const pending = this.#pending.get(reply.id);
    // A reply that comes after its deadline was reported already.
    if (pending === undefined) return;
    if ('failure' in reply) pending.reject(errorFrom(reply.failure));
    else pending.resolve(reply.value);
  }

  #expire(id: number, timeoutMs: number): void {
    const pending = this.#pending.get(id);
    pending?.reject(
      new DeviceError(
        'device-deadline-exceeded',
        `device call '${pending.method}' not done: the device helper gave no answer in ` +
          `${timeoutMs} ms`,
        { deviceMayHaveChanged: changing.has(pending.method) },
      ),
    );
    if (pending !== undefined) this.#endUnlessHeard();
  }

  /** One that never said anything may be slow to start: it is left alone. */
  #endUnlessHeard(): void {
    const before = this.#replies;
    if (before === 0) return;
    const timer = setTimeout(() => {
      if (this.#replies === before) this.#child.kill('SIGKILL');
    }, stuckTimeoutMs);
    void this.ended.then(() => clearTimeout(timer));
  }

  #lose(why: string): DeviceError | undefined {
    this.#lost ??= why;
    for (const pending of [...this.#pending.values()]) {
      pending.reject(helperLost(pending.method, why, changing.has(pending.method)));
    }
    return this.#closing ? undefined : helperLost('all', why, false);
  }
}

function errorFrom(failure: Failure): DeviceError {
  const { code, message, deviceMayHaveChanged } = failure;
  return new DeviceError(code, message, { deviceMayHaveChanged });
}

function helperLost(method: string, why: string, deviceMayHaveChanged: boolean): DeviceError {
  return new DeviceError(
    'device-helper-lost',
    `device call '${method}' not done: the device helper is gone: ${why}`,
    { deviceMayHaveChanged },
  );
}
