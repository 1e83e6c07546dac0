/**
 * A stock ptp4l at a station, on a clock of the lab, and the stock pmc to speak with it. Software
 * stamps, since a veth has no others; intervals are short, so that it settles within seconds.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { runProgram } from '../backends/run-program.ts';
import type { LabClock } from './clocks.ts';
import { asSoon, LabProcess } from './lab-process.ts';
import { type Station, STATION_INTERFACE } from './network.ts';
import type { Linuxptp } from './linuxptp.ts';

export type Ptp4lSettings = Readonly<Record<string, string | number>>;

export interface Ptp4lOptions {
  /** Of its files in `folder`. */
  readonly name: string;
  readonly folder: string;
  readonly station: Station;
  readonly clock: LabClock;
  readonly linuxptp: Linuxptp;
  /** Over what every ptp4l of the lab is given. */
  readonly settings?: Ptp4lSettings;
}

/** IEEE 1588-2008 table 8, as pmc prints it. */
export type PortState = 'LISTENING' | 'FAULTY' | 'MASTER' | 'PASSIVE' | 'UNCALIBRATED' | 'SLAVE';

const everyPtp4l: Ptp4lSettings = {
  time_stamping: 'software',
  network_transport: 'UDPv4',
  delay_mechanism: 'E2E',
  domainNumber: 0,
  logging_level: 6,
  use_syslog: 0,
  verbose: 1,
  summary_interval: 0,
  logAnnounceInterval: -1,
  logSyncInterval: -3,
  logMinDelayReqInterval: -2,
  announceReceiptTimeout: 3,
  tx_timestamp_timeout: 50,
};

export const CLIENT_SETTINGS: Ptp4lSettings = {
  slaveOnly: 1,
  step_threshold: 0.001,
  first_step_threshold: 0.00002,
  pi_proportional_const: 0.7,
  pi_integral_const: 0.3,
};

const pollMs = 50;
const answerLimitMs = 60_000;

export class Ptp4l {
  readonly socket: string;
  readonly logFile: string;
  readonly #options: Ptp4lOptions;
  #process: LabProcess | null = null;
  #linuxptp: Linuxptp;
  #asked = 0;

  constructor(options: Ptp4lOptions) {
    this.#options = options;
    this.#linuxptp = options.linuxptp;
    this.socket = join(options.folder, `${options.name}.sock`);
    this.logFile = join(options.folder, `${options.name}.log`);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.#process === null || this.#process.isEnded ? null : this.#process.pid;
  }

  /** Back when it answers; of another version than before, where one is named. */
  async start(linuxptp: Linuxptp = this.#linuxptp): Promise<void> {
    this.#linuxptp = linuxptp;
    const { station, clock, folder, name } = this.#options;
    const configuration = join(folder, `${name}.conf`);
    writeFileSync(configuration, this.#configuration());
    this.#process = new LabProcess([...asSoon(), ...linuxptp.ptp4l, '-f', configuration], {
      namespacePid: station.pid,
      environment: clock.environment,
      logFile: this.logFile,
    });
    const giveUpAtMs = performance.now() + answerLimitMs;
    while (!existsSync(this.socket) || (await this.#portState()) === null) {
      const isLate = performance.now() > giveUpAtMs;
      if (this.#process.isEnded || isLate) throw new Error(`ptp4l not started: ${this.logFile}`);
      await sleep(pollMs);
    }
  }

  async stop(): Promise<void> {
    await this.#process?.end();
  }

  /** kill -9: its sockets stay. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** What pmc prints of a data set: the text after each name. */
  async get(dataSet: string): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.pmc(`GET ${dataSet}`));
  }

  async set(dataSet: string, value: string): Promise<void> {
    const answer = await this.pmc(`SET ${dataSet} ${value}`);
    if (!answer.includes('RESPONSE')) throw new Error(`SET ${dataSet} ${value}: ${answer}`);
  }

  /** EUI-64 of its own clock, sixteen hexadecimal digits. */
  async clockIdentity(): Promise<string> {
    const shown = (await this.get('DEFAULT_DATA_SET')).get('clockIdentity');
    if (shown === undefined) throw new Error('ptp4l does not say who it is');
    return shown.replaceAll('.', '');
  }

  async portState(): Promise<PortState> {
    const state = await this.#portState();
    if (state === null) throw new Error('ptp4l does not answer');
    return state;
  }

  /** Back when its port is in this state. */
  async untilPortState(wanted: PortState): Promise<void> {
    const giveUpAtMs = performance.now() + answerLimitMs;
    let state = await this.#portState();
    while (state !== wanted) {
      if (performance.now() > giveUpAtMs) throw new Error(`the port is ${state}, not ${wanted}`);
      await sleep(pollMs);
      state = await this.#portState();
    }
  }

  async pmc(order: string): Promise<string> {
    const { folder, name, settings } = this.#options;
    this.#asked += 1;
    const own = join(folder, `${name}-pmc-${this.#asked}.sock`);
    const domain = String(settings?.['domainNumber'] ?? 0);
    const [program = '', ...words] = this.#linuxptp.pmc;
    const flags = ['-u', '-b', '0', '-d', domain, '-s', this.socket, '-i', own];
    try {
      return await runProgram(program, [...words, ...flags, order]);
    } finally {
      rmSync(own, { force: true });
    }
  }

  async #portState(): Promise<PortState | null> {
    const state = (await this.get('PORT_DATA_SET')).get('portState');
    return (state as PortState | undefined) ?? null;
  }

  #configuration(): string {
    const sockets: Ptp4lSettings = {
      uds_address: this.socket,
      ...(this.#linuxptp.hasReadOnlySocket ? { uds_ro_address: `${this.socket}-ro` } : {}),
    };
    const all = { ...everyPtp4l, ...sockets, ...this.#options.settings };
    const lines = Object.entries(all).map(([name, value]) => `${name} ${value}`);
    return ['[global]', ...lines, `[${STATION_INTERFACE}]`, ''].join('\n');
  }
}

function fieldsOf(text: string): Map<string, string> {
  const lines = text.matchAll(/^\t\t([\w.]+)\s+(.+)$/gmu);
  return new Map(Array.from(lines, ([, name = '', value = '']) => [name, value.trim()] as const));
}
