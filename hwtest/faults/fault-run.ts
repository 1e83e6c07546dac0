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
import { readTrace, type Passage, type Site } from './sites.ts';
import { daemonEnvironment, type Start, type Templates } from './templates.ts';
import { Tour } from './tour.ts';

export interface FaultRun extends Omit<FaultPlan, 'state' | 'folder'> {
  readonly start: Start;
  /** Load that fills a segment. */
  readonly isHeavy: boolean;
  /** Before the fault, a process is killed at this site, and what it left in memory stays. */
  readonly leaveAt?: Site;
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

/** A run takes seconds; a busy machine gets ten minutes, and then the daemon hangs. */
const runTimeoutMs = 600_000;

export async function runFault(templates: Templates, run: FaultRun): Promise<FaultResult> {
  const state = join(run.folder, 'state');
  mkdirSync(run.folder, { recursive: true });
  templates.copy(run.start, state);
  const appliance = await Appliance.prepare(state);
  let hung: string | null = null;
  const timer = setTimeout(() => {
    hung = `hung:\n${appliance.daemon.log}`;
    void appliance.daemon.kill();
  }, runTimeoutMs);
  try {
    const result = await new Running(appliance, templates, run).result();
    return hung === null ? result : { ...result, problems: [hung, ...result.problems] };
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
  #enrolled = 0;

  constructor(appliance: Appliance, templates: Templates, run: FaultRun) {
    this.#appliance = appliance;
    this.#templates = templates;
    this.#run = run;
  }

  async result(): Promise<FaultResult> {
    const { isHeavy } = this.#run;
    const tour = new Tour(this.#appliance, { enrol: () => this.#agents(), isHeavy });
    const folder = join(this.#run.folder, 'plan');
    let end: string;
    let problems: readonly string[];
    try {
      if (this.#run.leaveAt !== undefined) await this.#leave(tour, this.#run.leaveAt);
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

  /** Those of the template; a ledger that is founded in the run gets new ones. */
  async #agents(): Promise<Templates['agents']> {
    if (this.#run.start !== 'unfounded') return this.#templates.agents;
    const names = ['one', 'other'].map((name) => `${name}-${++this.#enrolled}`);
    const { controlSocket } = this.#appliance;
    return Promise.all(names.map((name) => enrolAgent(controlSocket, name)));
  }

  /** A daemon before the one of the fault, whose process ends and whose memory stays. */
  async #leave(tour: Tour, site: Site): Promise<void> {
    const { seed, tearPercent } = this.#run;
    const folder = join(this.#run.folder, 'before');
    const plan = this.#plan({ folder, site, fault: 'leave', seed, tearPercent });
    const daemon = this.#appliance.launch({ environment: plan });
    await Promise.race([daemon.ready.then(() => tour.run(daemon)), daemon.ended]);
  }

  #plan(plan: Omit<FaultPlan, 'state'>): Record<string, string> {
    const leftFile = join(this.#run.folder, 'left');
    return { ...daemonEnvironment, ...writePlan({ leftFile, ...plan, state: this.#state }) };
  }

  get #state(): string {
    return this.#appliance.state;
  }

  async #meet(tour: Tour, folder: string): Promise<string> {
    const daemon = this.#appliance.launch({ environment: this.#plan({ ...this.#run, folder }) });
    const isReady = await daemon.ready.then(
      () => true,
      () => false,
    );
    if (!isReady) return this.#endOf(daemon, await daemon.ended, 'start');
    await tour.run(daemon);
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
      await tour.settle();
      const { code, signal } = await daemon.stop();
      if (code !== 0) this.#problems.push(`the stop was not orderly: ${signal ?? code}`);
      return true;
    } catch (error) {
      this.#problems.push(`next start: ${String(error)}`);
      return false;
    }
  }

  async #check(tour: Tour): Promise<void> {
    const state = this.#state;
    const receipts = [...this.#templates.receipts[this.#run.start], ...tour.receipts];
    try {
      await checkFiles(state);
      this.#problems.push(...(await compareReceipts(state, receipts)).problems);
    } catch (error) {
      this.#problems.push(`fsck: ${String(error)}`);
    }
  }
}
