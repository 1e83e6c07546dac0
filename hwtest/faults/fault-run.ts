/**
 * One run: the real daemon on a copy of a template, under load, meets one fault; then a daemon
 * without faults starts on what is left, everything that was not answered is answered, each agent
 * goes on, the stop is orderly, `fsck` finds the files whole, and every receipt ever given is found
 * in the log. What does not hold is a problem.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Appliance, type DaemonEnd, type RunningDaemon } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { compareReceipts } from '../scenarios/receipt-checker.ts';
import { checkFiles } from '../scenarios/scenario.ts';
import { traceOf, writePlan, type FaultPlan } from './disk-faults.ts';
import { readTrace, type Passage } from './sites.ts';
import { daemonEnvironment, type Start, type Templates } from './templates.ts';
import { Tour } from './tour.ts';

export interface FaultRun extends Omit<FaultPlan, 'state' | 'folder'> {
  readonly start: Start;
  /** Load that fills a segment. */
  readonly isHeavy: boolean;
  /** The run's own; removed at the end. */
  readonly folder: string;
}

export interface FaultResult {
  /** False where the run did not pass the site as often as it had to. */
  readonly met: boolean;
  /** How the daemon that met the fault ended, and when. */
  readonly end: string;
  readonly receipts: number;
  readonly refusals: readonly string[];
  /** What does not hold, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly passages: readonly Passage[];
}

/** A start after a fault takes a second; a loaded machine gets two minutes. */
const runTimeoutMs = 120_000;

export async function runFault(templates: Templates, run: FaultRun): Promise<FaultResult> {
  const state = join(run.folder, 'state');
  mkdirSync(run.folder, { recursive: true });
  templates.copy(run.start, state);
  const appliance = await Appliance.prepare(state);
  const timer = setTimeout(() => void appliance.daemon.kill(), runTimeoutMs);
  try {
    return await new Running(appliance, templates, run).result();
  } finally {
    clearTimeout(timer);
    await appliance.devices.stop();
    rmSync(run.folder, { recursive: true });
  }
}

class Running {
  readonly #appliance: Appliance;
  readonly #templates: Templates;
  readonly #run: FaultRun;
  readonly #problems: string[] = [];

  constructor(appliance: Appliance, templates: Templates, run: FaultRun) {
    this.#appliance = appliance;
    this.#templates = templates;
    this.#run = run;
  }

  async result(): Promise<FaultResult> {
    const { start, isHeavy } = this.#run;
    // A ledger that is not founded yet has no agents.
    const agents = start === 'unfounded' ? [] : this.#templates.agents;
    const tour = new Tour(this.#appliance, agents, isHeavy);
    const folder = join(this.#run.folder, 'plan');
    let end: string;
    let problems: readonly string[];
    try {
      end = await this.#meet(tour, folder);
      const { receipts } = tour;
      if (await this.#recover(tour)) await this.#check(tour);
      problems = [...this.#problems, ...tour.problems];
      const { passages, faults } = readTrace(traceOf(folder));
      const met = faults.length > 0;
      return { met, end, receipts: receipts.length, refusals: tour.refusals, problems, passages };
    } finally {
      tour.end();
    }
  }

  async #meet(tour: Tour, folder: string): Promise<string> {
    const plan = writePlan({ ...this.#run, state: this.#appliance.state, folder });
    const daemon = this.#appliance.launch({ environment: { ...daemonEnvironment, ...plan } });
    const isReady = await daemon.ready.then(
      () => true,
      () => false,
    );
    if (!isReady) return this.#endOf(daemon, await daemon.ended, 'start');
    if (this.#run.start === 'unfounded') await daemon.stop();
    else await tour.run(daemon);
    return this.#endOf(daemon, await daemon.ended, 'load or stop');
  }

  #endOf(daemon: RunningDaemon, { code, signal }: DaemonEnd, when: string): string {
    if (signal !== null && signal !== 'SIGKILL') {
      this.#problems.push(`ended by ${signal}:\n${daemon.log}`);
    }
    if (code !== null && ![0, 1, 70].includes(code)) {
      this.#problems.push(`ended with ${code}:\n${daemon.log}`);
    }
    if (signal !== null) return 'killed';
    if (code === 0) return 'went on';
    return code === 1 && when === 'start' ? 'start refused' : `exit ${code}`;
  }

  /** False where the next start is refused: nothing more can be asked then. */
  async #recover(tour: Tour): Promise<boolean> {
    try {
      const daemon = await this.#appliance.start({ environment: daemonEnvironment });
      if (this.#run.start === 'unfounded') {
        await this.#useOnce();
      } else {
        await tour.settle();
      }
      const { code, signal } = await daemon.stop();
      if (code !== 0) this.#problems.push(`the stop was not orderly: ${signal ?? code}`);
      return true;
    } catch (error) {
      this.#problems.push(`next start: ${String(error)}`);
      return false;
    }
  }

  async #useOnce(): Promise<void> {
    const enrolled = [await enrolAgent(this.#appliance.controlSocket, 'first')];
    const tour = new Tour(this.#appliance, enrolled);
    await tour.settle();
    tour.end();
    this.#problems.push(...tour.problems);
  }

  async #check(tour: Tour): Promise<void> {
    const { state } = this.#appliance;
    const receipts = [...this.#templates.receipts[this.#run.start], ...tour.receipts];
    try {
      await checkFiles(state);
      this.#problems.push(...(await compareReceipts(state, receipts)).problems);
    } catch (error) {
      this.#problems.push(`fsck: ${String(error)}`);
    }
  }
}
