/**
 * A daemon as a person starts it: emulated devices, a process of its own, every default on but
 * for the flags it is given, a fresh state folder. Whatever was started ends with it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { generateKey, signEnrolment, type SigningKey } from '@kudurru/agent';
import { decodeHex, encodeBase64 } from '@kudurru/proof';

import {
  startEmulatedDevices,
  type EmulatedDevices,
} from '../../hwtest/backends/emulated-devices.ts';
import { ControlClient } from '../cli/control-client.ts';
import { devicesFolderOf } from '../tools/start/arguments.ts';

const daemonProgram = join(import.meta.dirname, '..', 'src', 'main.ts');
const startTimeoutMs = 60_000;
const pollMs = 10;
/** Lines of the daemon's log that go into the message when it fails. */
const linesShown = 20;

export class House {
  readonly state: string;
  readonly control: ControlClient;
  readonly #logFile: string;
  readonly #devices: EmulatedDevices;
  readonly #flags: readonly string[];
  #daemon: ChildProcess;
  #ended: Promise<void>;

  private constructor(
    state: string,
    logFile: string,
    { devices, flags }: { readonly devices: EmulatedDevices; readonly flags: readonly string[] },
  ) {
    this.state = state;
    this.#flags = flags;
    this.control = new ControlClient(join(state, 'control.sock'));
    this.#logFile = logFile;
    this.#devices = devices;
    this.#daemon = this.#spawn();
    this.#ended = endOf(this.#daemon);
  }

  /** `state` is an empty folder of ours alone. @throws Error where the daemon does not start */
  static async start(
    state: string,
    logFile: string,
    flags: readonly string[] = [],
  ): Promise<House> {
    const devices = await startEmulatedDevices(devicesFolderOf(state));
    const house = new House(state, logFile, { devices, flags });
    try {
      await house.#untilReady();
      return house;
    } catch (error) {
      await house.abandon();
      throw error;
    }
  }

  get agentSocket(): string {
    return join(this.state, 'agent.sock');
  }

  /** Of the daemon's process; the device helper is another one. */
  get pid(): number {
    return this.#daemon.pid ?? 0;
  }

  /** Kills the daemon as a power cut would, starts it again, and waits until it is ready. */
  async killAndStart(): Promise<void> {
    this.#daemon.kill('SIGKILL');
    await this.#ended;
    this.#daemon = this.#spawn();
    this.#ended = endOf(this.#daemon);
    await this.#untilReady();
  }

  /** SIGTERM, then the end of the devices. @throws Error where the daemon did not stop in order */
  async stop(): Promise<void> {
    this.#daemon.kill('SIGTERM');
    await this.#ended;
    await this.#devices.stop();
    if (this.#daemon.exitCode !== 0) throw this.#failure('did not stop in order');
  }

  /** Ends everything at once; for when the run has failed already. */
  async abandon(): Promise<void> {
    this.#daemon.kill('SIGKILL');
    await this.#ended;
    await this.#devices.stop();
  }

  /** Enrols so many agents with fresh keys, and writes the file the load generator reads. */
  async enrol(count: number, agentsFile: string, prefix = 'agent'): Promise<void> {
    const lines: string[] = [];
    for (let i = 0; i < count; i++) {
      const { agentId, key } = await this.enrolOne(`${prefix}-${i}`);
      lines.push(`${agentId} ${seedOf(key)}\n`);
    }
    writeFileSync(agentsFile, lines.join(''), { mode: 0o600, flag: 'wx' });
  }

  /** With a fresh key. */
  async enrolOne(name: string): Promise<{ readonly agentId: string; readonly key: SigningKey }> {
    const key = generateKey();
    const { nonce, ledgerId, trustDomain } = await this.control.post<{
      nonce: string;
      ledgerId: string;
      trustDomain: string;
    }>('/v1/enrolments', {});
    const agentId = `spiffe://${trustDomain}/agent/${name}`;
    const enrolment = signEnrolment(key, {
      ledgerId: decodeHex(ledgerId),
      nonce: decodeHex(nonce),
      agentId,
      owner: 'bench',
      purpose: 'hands in actions as fast as it can',
    });
    await this.control.post('/v1/agents', { enrolment: encodeBase64(enrolment) });
    return { agentId, key };
  }

  #spawn(): ChildProcess {
    const log = openSync(this.#logFile, 'w');
    const daemon = spawn(process.execPath, [daemonProgram, '--state', this.state, ...this.#flags], {
      stdio: ['ignore', 'ignore', log],
    });
    closeSync(log);
    return daemon;
  }

  async #untilReady(): Promise<void> {
    const giveUpAtMs = performance.now() + startTimeoutMs;
    while (!this.#log().includes('"what":"ready"')) {
      if (this.#daemon.exitCode !== null) throw this.#failure('did not start');
      if (performance.now() > giveUpAtMs) throw this.#failure('is not ready');
      await wait(pollMs);
    }
  }

  #log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  #failure(what: string): Error {
    const lines = this.#log().trimEnd().split('\n').slice(-linesShown);
    return new Error(`the daemon ${what}:\n${lines.join('\n')}`);
  }
}

function endOf(daemon: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    daemon.once('error', () => resolve());
    daemon.once('exit', () => resolve());
  });
}

/** The 32 bytes that an Ed25519 key pair is made from, in hexadecimal. */
function seedOf(key: SigningKey): string {
  const { d } = createPrivateKey(key.exportPem()).export({ format: 'jwk' });
  return Buffer.from(d ?? '', 'base64url').toString('hex');
}
