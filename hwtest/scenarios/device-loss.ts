/**
 * Takes the token or the TPM away from the real daemon under load, and gives it back. Entries must
 * go on being committed meanwhile; anchoring pauses, says so in one alarm, and catches up; every
 * receipt ever given must stand in the log at the end.
 */
import { renameSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type Agent, type Receipt } from '@kudurru/agent';
import { CHECKPOINT_PATH, decodeEntry, parseCheckpoint, TileReader } from '@kudurru/proof';

import type { StatusView } from '../../daemon/src/control/views.ts';
import { Appliance } from '../backends/appliance.ts';
import { askJson, enrolAgent } from '../backends/control.ts';
import { compareReceipts } from './receipt-checker.ts';
import { checkFiles, someAction } from './scenario.ts';

/** `gone`: it cannot be opened. `silent`: it takes commands and does not answer. */
export const LOSSES = ['token-gone', 'tpm-gone', 'tpm-silent'] as const;
export type DeviceLossKind = (typeof LOSSES)[number];

export interface DeviceLossOptions {
  readonly kind: DeviceLossKind;
  /** State folder; made. */
  readonly folder: string;
  /** It stays away at least so long … */
  readonly awayMs: number;
  /** … and until so many submissions were committed without it. */
  readonly receiptsAwayMin: number;
  readonly agents: number;
  readonly inFlight: number;
}

export interface DeviceLossResult {
  readonly receipts: number;
  readonly receiptsAway: number;
  readonly anchoredReceipts: number;
  /** From submission to receipt, in ms, with the device and without it. */
  readonly latency: Figures;
  readonly latencyAway: Figures;
  readonly failuresAway: number;
  /** From the return of the device until all that came before it was anchored. */
  readonly catchUpMs: number;
  readonly alarms: number;
  /** What does not hold, in words; empty when all is well. */
  readonly problems: readonly string[];
}

export interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

const pollMs = 50;
/** One submission in so many waits for its anchor as well. */
const anchoredEvery = 16;
/** Before the loss, so that there is something to compare with. */
const receiptsBeforeMin = 50;
/** A daemon that cannot commit without its device would stall here, and the run with it. */
const patienceMs = 120_000;

export async function runDeviceLoss(options: DeviceLossOptions): Promise<DeviceLossResult> {
  const appliance = await Appliance.prepare(options.folder);
  try {
    return await new DeviceLossRun(appliance, options).run();
  } finally {
    await appliance.stop();
  }
}

class DeviceLossRun {
  readonly #appliance: Appliance;
  readonly #options: DeviceLossOptions;
  readonly #receipts: Receipt[] = [];
  readonly #latency: number[] = [];
  readonly #latencyAway: number[] = [];
  readonly #problems: string[] = [];
  #anchoredReceipts = 0;
  #isAway = false;
  #feeding = true;

  constructor(appliance: Appliance, options: DeviceLossOptions) {
    this.#appliance = appliance;
    this.#options = options;
  }

  async run(): Promise<DeviceLossResult> {
    const flags = ['--anchor-interval-ms', '300', '--device-timeout-ms', '1000'];
    const daemon = await this.#appliance.start({ flags });
    const agents = await this.#connect();
    const feeders = agents.map((agent, number) => this.#feed(agent, number));
    await this.#until(async () => {
      return this.#receipts.length >= receiptsBeforeMin && this.#anchoredReceipts > 0;
    });
    const failuresAway = await this.#takeAway();
    const catchUpMs = await this.#catchUp();
    this.#feeding = false;
    await Promise.all(feeders);
    for (const agent of agents) agent.destroy();
    const { code, signal } = await daemon.stop();
    if (code !== 0) this.#problems.push(`the daemon ended with ${signal ?? code}:\n${daemon.log}`);
    const alarms = await this.#check();
    return {
      receipts: this.#receipts.length,
      receiptsAway: this.#latencyAway.length,
      anchoredReceipts: this.#anchoredReceipts,
      latency: figuresOf(this.#latency),
      latencyAway: figuresOf(this.#latencyAway),
      failuresAway,
      catchUpMs,
      alarms,
      problems: this.#problems,
    };
  }

  async #connect(): Promise<Agent[]> {
    const { agentSocket, controlSocket } = this.#appliance;
    const names = Array.from({ length: this.#options.agents }, (_, number) => `agent-${number}`);
    const enrolled = await Promise.all(names.map((name) => enrolAgent(controlSocket, name)));
    return Promise.all(enrolled.map((agent) => connect({ socketPath: agentSocket, ...agent })));
  }

  async #feed(agent: Agent, number: number): Promise<void> {
    const lane = async (_: unknown, place: number): Promise<void> => {
      for (let turn = 0; this.#feeding; turn += 1) {
        const isAnchored = turn % anchoredEvery === 0 && place === 0;
        await this.#submit(agent, { label: `${number}/${place}/${turn}`, isAnchored });
      }
    };
    await Promise.all(Array.from({ length: this.#options.inFlight }, lane));
  }

  async #submit(agent: Agent, what: { label: string; isAnchored: boolean }): Promise<void> {
    const beganMs = performance.now();
    const beganAway = this.#isAway;
    try {
      const level = what.isAnchored ? 'anchored' : 'committed';
      this.#receipts.push(await agent.submit([someAction(what.label)], { level }));
    } catch (error) {
      this.#problems.push(`submission ${what.label}: ${String(error)}`);
      this.#feeding = false;
      return;
    }
    if (what.isAnchored) {
      this.#anchoredReceipts += 1;
      return;
    }
    const took = performance.now() - beganMs;
    if (beganAway && this.#isAway) this.#latencyAway.push(took);
    else if (!beganAway && !this.#isAway) this.#latency.push(took);
  }

  /** Failures of anchoring while the device was away. */
  async #takeAway(): Promise<number> {
    const { awayMs, receiptsAwayMin } = this.#options;
    await this.#lose();
    this.#isAway = true;
    const beganMs = performance.now();
    await this.#until(async () => {
      if (performance.now() - beganMs < awayMs) return false;
      const committed = this.#latencyAway.length >= receiptsAwayMin;
      return committed && (await this.#failures()) >= 2;
    });
    const { anchor } = await this.#status();
    const later = await this.#failuresAbove(await this.#failures());
    const { anchor: after } = await this.#status();
    if (after.size !== anchor.size)
      this.#problems.push('something was anchored without the device');
    this.#isAway = false;
    await this.#giveBack();
    return later;
  }

  async #catchUp(): Promise<number> {
    const beganMs = performance.now();
    const { size } = await this.#status();
    await this.#until(async () => {
      const { anchor, devices } = await this.#status();
      return anchor.size >= size && devices.every(({ failures }) => failures === 0);
    });
    return Math.round(performance.now() - beganMs);
  }

  async #lose(): Promise<void> {
    if (this.#options.kind === 'tpm-silent') await this.#appliance.devices.tpm.suspend();
    else renameSync(this.#place, `${this.#place}.away`);
  }

  async #giveBack(): Promise<void> {
    if (this.#options.kind === 'tpm-silent') this.#appliance.devices.tpm.resume();
    else renameSync(`${this.#place}.away`, this.#place);
  }

  /** What is moved away: SoftHSM's token folder, or the path of swtpm's socket. */
  get #place(): string {
    const { kind } = this.#options;
    return kind === 'token-gone'
      ? join(this.#appliance.state, 'devices', 'token')
      : this.#appliance.devices.tpm.socketPath;
  }

  async #failures(): Promise<number> {
    const { devices } = await this.#status();
    return Math.max(...devices.map(({ failures }) => failures));
  }

  async #failuresAbove(count: number): Promise<number> {
    let failures = count;
    await this.#until(async () => (failures = await this.#failures()) > count);
    return failures;
  }

  #status(): Promise<StatusView> {
    return askJson<StatusView>(this.#appliance.controlSocket, '/v1/status');
  }

  async #until(isSo: () => Promise<boolean>): Promise<void> {
    const { awayMs } = this.#options;
    const giveUpAtMs = performance.now() + awayMs + patienceMs;
    while (this.#feeding && !(await isSo())) {
      if (performance.now() > giveUpAtMs) {
        this.#problems.push(`nothing went on for ${patienceMs / 1000} s`);
        this.#feeding = false;
      }
      await sleep(pollMs);
    }
  }

  /** Alarms of devices in the log that is left. */
  async #check(): Promise<number> {
    const { state } = this.#appliance;
    await checkFiles(state);
    const { problems } = await compareReceipts(state, this.#receipts);
    this.#problems.push(...problems);
    const checkpoint = await readFile(join(state, CHECKPOINT_PATH));
    const { size } = parseCheckpoint(new Uint8Array(checkpoint));
    const reader = new TileReader((path) => readFile(join(state, path)), size);
    let alarms = 0;
    for await (const bytes of reader.entries(0n, size)) {
      const entry = decodeEntry(bytes);
      if (entry.kind === 'alarm' && entry.code.startsWith('device-')) alarms += 1;
    }
    return alarms;
  }
}

function figuresOf(taken: readonly number[]): Figures {
  const sorted = taken.toSorted((left, right) => left - right);
  const at = (share: number): number =>
    Math.round(10 * (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0)) / 10;
  return { p50Ms: at(0.5), p99Ms: at(0.99), longestMs: at(1) };
}
