/**
 * The real daemon on the client's clock, under the load of an agent: what it believes is in its
 * log, and no action may be lost whatever happens to the time.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { type Agent, connect, type Receipt } from '@kudurru/agent';
import { type EntryKind, type TimeProfile, verify } from '@kudurru/proof';

import type { Appliance } from '../backends/appliance.ts';
import { compareReceipts } from '../scenarios/receipt-checker.ts';
import { someAction } from '../scenarios/scenario.ts';
import type { Commissioned } from './commissioned.ts';
import type { Believed } from './drill.ts';
import type { LabSource } from './lab-profile.ts';
import { type Evidence, LogReader } from './log-reader.ts';

const actEveryMs = 200;
/** On a busy machine a daemon that is asked much answers late. */
const reconnectTimeoutMs = 3_600_000;

export interface DrilledApplianceOptions {
  readonly commissioned: Commissioned;
  readonly sources: readonly LabSource[];
  /** Of these sources. */
  readonly profile: TimeProfile;
  readonly onEvidence: (evidence: Evidence) => void;
}

/** What came of the actions of a whole drill. */
export interface Finished {
  readonly actions: number;
  readonly actionsLost: number;
  /** Of the entries that nobody had read yet. */
  readonly readings: readonly Believed[];
  /** What did not hold, in words. */
  readonly findings: readonly string[];
}

export class DrilledAppliance {
  readonly #commissioned: Commissioned;
  readonly #profile: TimeProfile;
  readonly #agent: Agent;
  readonly #reader: LogReader;
  readonly #acting: Promise<void>;
  readonly #receipts: Receipt[] = [];
  readonly #findings: string[] = [];
  #begun = 0;
  #isOver = false;

  private constructor(options: DrilledApplianceOptions, agent: Agent) {
    this.#commissioned = options.commissioned;
    this.#profile = options.profile;
    this.#agent = agent;
    this.#reader = new LogReader({ ...options, scenario: options.commissioned.scenario });
    this.#acting = this.#act();
  }

  /** With these sources in its time profile; its agent acts from now on. */
  static async start(options: DrilledApplianceOptions): Promise<DrilledAppliance> {
    const { commissioned, sources, profile } = options;
    const { scenario } = commissioned;
    await commissioned.start(sources);
    const enrolled = await scenario.enrol('drilled');
    const { agentSocket: socketPath } = scenario.appliance;
    const agent = await connect({ socketPath, ...enrolled, reconnectTimeoutMs });
    await commissioned.useProfile(profile);
    return new DrilledAppliance(options, agent);
  }

  /** The same profile, signed anew: what was held against a receiver is over. */
  async useProfileAgain(): Promise<void> {
    await this.#commissioned.useProfile(this.#profile);
  }

  get appliance(): Appliance {
    return this.#commissioned.scenario.appliance;
  }

  /** Codes of what evidence keeps of the sources' processes. */
  get notes(): ReadonlySet<string> {
    return this.#reader.notes;
  }

  /** Index of the newest entry of this kind that was read; -1 where there is none. */
  newestOf(kind: EntryKind): bigint {
    return this.#reader.newestOf(kind);
  }

  /** Since the last time this was asked, oldest first. */
  async readings(): Promise<readonly Believed[]> {
    return this.#reader.readings();
  }

  /** Lets the agent finish, stops in order, and looks for each of its actions. */
  async finish(): Promise<Finished> {
    this.#isOver = true;
    await this.#acting;
    await this.#agent.close();
    const readings = await this.readings();
    await this.#verifyBundles();
    const { scenario } = this.#commissioned;
    const { code } = await this.appliance.daemon.stop();
    if (code !== 0) this.#findings.push(`the daemon ended with ${code}`);
    await scenario.requireWhole();
    const { problems } = await compareReceipts(this.appliance.state, this.#receipts);
    const acted = this.#receipts.reduce((count, { actions }) => count + actions.length, 0);
    return {
      actions: acted,
      actionsLost: this.#begun - acted + problems.length,
      readings,
      findings: [...this.#findings, ...this.#reader.findings, ...problems],
    };
  }

  /** Whatever state it is in. */
  async abandon(): Promise<void> {
    this.#isOver = true;
    this.#agent.destroy();
    await this.#acting;
  }

  /** A reader who has nothing but a bundle comes to the same time: an action of each level. */
  async #verifyBundles(): Promise<void> {
    const { scenario } = this.#commissioned;
    const policy = await scenario.policy();
    for (const [level, index] of this.#reader.actionOf) {
      const verdict = await verify(await scenario.bundle(index), policy);
      if (verdict.overall === 'VALID') continue;
      const failed = verdict.checks.filter(({ outcome }) => outcome === 'fail');
      const why = failed.map(({ id, text }) => `${id}: ${text}`).join('; ');
      this.#findings.push(`bundle of entry ${index}, ${level}: ${verdict.overall}: ${why}`);
    }
  }

  async #act(): Promise<void> {
    while (!this.#isOver) {
      this.#begun += 1;
      try {
        this.#receipts.push(await this.#agent.submit([someAction(`action ${this.#begun}`)]));
      } catch (error) {
        this.#findings.push(`action ${this.#begun}: ${String(error)}`);
      }
      await sleep(actEveryMs);
    }
  }
}
