/**
 * Kills the real daemon under load, again and again, on a disk that forgets what was not synced,
 * and holds every receipt it gave against the log that is left. The agents live through it all:
 * after each start they take their sessions up again and send again what was not answered.
 */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type Agent, type Receipt } from '@kudurru/agent';
import { verify } from '@kudurru/proof';

import { Appliance, type DaemonOptions, type RunningDaemon } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { cutPower, writePlan } from '../faults/disk-faults.ts';
import { compareReceipts } from './receipt-checker.ts';
import { bundleOf, checkFiles, policyOf, someAction } from './scenario.ts';

export interface KillCycleOptions {
  /** State folder; on a real disk. */
  readonly folder: string;
  readonly cycles: number;
  readonly agents: number;
  /** Makes every sync of the journal a lie: the run must then find something lost. */
  readonly ignoreSync?: boolean;
  /** Of `performance.now()`: no cycle is begun after it. */
  readonly untilMs?: number;
  readonly onCycle?: (line: string) => void;
}

export interface KillCycleResult {
  /** Cycles, and starts that were killed too. */
  readonly kills: number;
  readonly receipts: number;
  readonly actions: number;
  readonly entries: bigint;
  /** What does not hold, in words; empty when all is well. */
  readonly contradictions: readonly string[];
}

/** How long a daemon serves, after its first receipt, before it is killed. */
const SERVING_MS_MIN = 5;
const SERVING_MS_MAX = 400;
/** One start in so many is killed too, at a moment before or after it is ready. */
const STARTS_A_KILL = 5;
const STARTING_MS_MAX = 3000;
/** Receipts proven at the end by an evidence bundle each. */
const BUNDLES_VERIFIED = 20;
/** Of the sectors that were not synced, those that survive a kill. */
const TEAR_PERCENT = 30;
const IN_FLIGHT = 8;
/** A start takes seconds, and on a busy machine minutes: an agent waits for any. */
const reconnectTimeoutMs = 3_600_000;
const ACTIONS_MAX = 4;

export async function runKillCycles(options: KillCycleOptions): Promise<KillCycleResult> {
  const appliance = await Appliance.prepare(options.folder);
  try {
    return await new KillCycles(appliance, options).run();
  } finally {
    await appliance.stop();
    rmSync(`${appliance.state}.plan`, { recursive: true, force: true });
  }
}

class KillCycles {
  readonly #appliance: Appliance;
  readonly #options: KillCycleOptions;
  readonly #receipts: Receipt[] = [];
  readonly #failures: string[] = [];
  #feeding = true;
  #kills = 0;
  /** Resolves with the next receipt, or the next failure. */
  #next = Promise.withResolvers<void>();
  #running: RunningDaemon | null = null;
  /** Beside the state folder, on the same file system. */
  readonly #planFolder: string;

  constructor(appliance: Appliance, options: KillCycleOptions) {
    this.#appliance = appliance;
    this.#options = options;
    this.#planFolder = `${appliance.state}.plan`;
  }

  async run(): Promise<KillCycleResult> {
    const agents = await this.#enrolAgents();
    const feeders = agents.map((agent, number) => this.#feed(agent, number));
    const { cycles, untilMs = Infinity, onCycle } = this.#options;
    for (let cycle = 1; cycle <= cycles && this.#failures.length === 0; cycle++) {
      if (performance.now() > untilMs) break;
      if (!(await this.#killAndRestart(cycle))) break;
      onCycle?.(`cycle ${cycle}/${cycles}: ${this.#receipts.length} receipts`);
    }
    this.#feeding = false;
    if (this.#failures.length > 0) for (const agent of agents) agent.destroy();
    await Promise.all(feeders);
    return this.#verdict();
  }

  /** Founds the ledger on an honest disk; what may be lost is what comes after. */
  async #enrolAgents(): Promise<Agent[]> {
    const { agentSocket, controlSocket } = this.#appliance;
    const founded = await this.#appliance.start();
    const numbers = Array.from({ length: this.#options.agents }, (_, number) => number);
    const enrolled = await Promise.all(
      numbers.map((number) => enrolAgent(controlSocket, `feeder-${number}`)),
    );
    await founded.stop();
    this.#running = await this.#appliance.start(this.#daemonOptions());
    return Promise.all(
      enrolled.map((agent) => connect({ socketPath: agentSocket, ...agent, reconnectTimeoutMs })),
    );
  }

  /** False when the daemon refuses to go on: what it said is a contradiction then. */
  async #killAndRestart(cycle: number): Promise<boolean> {
    await this.#next.promise;
    await sleep(randomInt(SERVING_MS_MIN, SERVING_MS_MAX));
    await this.#cutPower(this.#running);
    this.#kills++;
    if (randomInt(STARTS_A_KILL) === 0) {
      const starting = this.#appliance.launch(this.#daemonOptions());
      await sleep(randomInt(STARTING_MS_MAX));
      await this.#cutPower(starting);
      this.#kills++;
    }
    const daemon = this.#appliance.launch(this.#daemonOptions());
    this.#running = daemon;
    try {
      await daemon.ready;
      this.#next = Promise.withResolvers();
      return true;
    } catch (error) {
      this.#fail(`start after kill ${cycle} refused: ${String(error)}`);
      return false;
    }
  }

  /** A daemon that does not listen yet has written nothing: SIGKILL does it. */
  async #cutPower(daemon: RunningDaemon | null): Promise<void> {
    if (daemon === null) return;
    if (cutPower(this.#planFolder)) await daemon.ended;
    else await daemon.kill();
  }

  #fail(what: string): void {
    this.#failures.push(what);
    this.#next.resolve();
  }

  #daemonOptions(): DaemonOptions {
    return {
      environment: writePlan({
        state: this.#appliance.state,
        folder: this.#planFolder,
        seed: randomInt(2 ** 31),
        tearPercent: TEAR_PERCENT,
        ignoreSyncs: this.#options.ignoreSync === true,
        isTraced: false,
      }),
    };
  }

  /** Keeps some submissions of one agent in flight until told to stop. */
  async #feed(agent: Agent, number: number): Promise<void> {
    const lane = async (): Promise<void> => {
      for (let turn = 0; this.#feeding; turn++) {
        const actions = Array.from({ length: randomInt(1, ACTIONS_MAX + 1) }, (_, offset) =>
          someAction(`${number}/${turn}/${offset}`),
        );
        try {
          this.#receipts.push(await agent.submit(actions));
        } catch (error) {
          if (this.#feeding) this.#fail(`agent ${number}: ${String(error)}`);
          return;
        }
        this.#next.resolve();
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  }

  async #verdict(): Promise<KillCycleResult> {
    const contradictions = [...this.#failures];
    let entries = 0n;
    if (contradictions.length === 0) {
      contradictions.push(...(await this.#verifyBundles()));
      await this.#running?.stop();
      contradictions.push(...(await this.#checkFiles()));
      entries = await this.#compare(contradictions);
    }
    const actions = this.#receipts.reduce((sum, receipt) => sum + receipt.actions.length, 0);
    return {
      kills: this.#kills,
      receipts: this.#receipts.length,
      actions,
      entries,
      contradictions,
    };
  }

  /** Of receipts drawn at random. */
  async #verifyBundles(): Promise<string[]> {
    const { controlSocket } = this.#appliance;
    const policy = await policyOf(controlSocket);
    const problems: string[] = [];
    for (let turn = 0; turn < BUNDLES_VERIFIED; turn++) {
      const receipt = this.#receipts[randomInt(this.#receipts.length)];
      const index = receipt?.actions[randomInt(receipt.actions.length)]?.index;
      if (index === undefined) continue;
      const { overall, checks } = await verify(await bundleOf(controlSocket, index), policy);
      const failed = checks.filter(({ outcome }) => outcome !== 'pass').map(({ text }) => text);
      if (overall !== 'VALID')
        problems.push(`bundle of ${index}: ${overall}: ${failed.join('; ')}`);
    }
    return problems;
  }

  async #checkFiles(): Promise<string[]> {
    try {
      await checkFiles(this.#appliance.state);
      return [];
    } catch (error) {
      return [`fsck: ${String(error)}`];
    }
  }

  /** An orderly stop has published a checkpoint of all that was acknowledged. */
  async #compare(contradictions: string[]): Promise<bigint> {
    const { size, problems } = await compareReceipts(this.#appliance.state, this.#receipts);
    contradictions.push(...problems);
    return size;
  }
}
