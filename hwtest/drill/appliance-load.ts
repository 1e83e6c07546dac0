/**
 * A real daemon on the client's clock, under the load of an agent: what it believes is read from
 * the entries of the agent's actions, and no action may be lost whatever happens to the time.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { type Agent, connect } from '@kudurru/agent';

import { Scenario, someAction } from '../scenarios/scenario.ts';
import type { Believed } from './drill.ts';
import type { Believer, Stage } from './stage.ts';

const actEveryMs = 200;

export class ApplianceLoad implements Believer {
  readonly #scenario: Scenario;
  readonly #agent: Agent;
  readonly #acting: Promise<void>;
  readonly #receipted: bigint[] = [];
  readonly #findings: string[] = [];
  #begun = 0;
  #read = 0;
  #lastTaiNs = 0n;
  #isOver = false;

  private constructor(scenario: Scenario, agent: Agent) {
    this.#scenario = scenario;
    this.#agent = agent;
    this.#acting = this.#act();
  }

  static async start({ lab }: Stage): Promise<ApplianceLoad> {
    const scenario = await Scenario.start({ environment: lab.clientClock.environment });
    try {
      const enrolled = await scenario.enrol('drilled');
      const { agentSocket } = scenario.appliance;
      return new ApplianceLoad(scenario, await connect({ socketPath: agentSocket, ...enrolled }));
    } catch (error) {
      await scenario.end();
      throw error;
    }
  }

  /** Of the actions that have their receipts since then, by their entries. */
  async readings(): Promise<readonly Believed[]> {
    const found: Believed[] = [];
    for (; this.#read < this.#receipted.length; this.#read += 1) {
      const index = this.#receipted[this.#read] ?? 0n;
      const { time } = await this.#scenario.entry(index);
      const { taiNs, monotonicRawNs: rawNs, statisticalNs, adversarialNs, level } = time;
      if (taiNs < this.#lastTaiNs) this.#findings.push(`the time of entry ${index} goes back`);
      this.#lastTaiNs = taiNs;
      found.push({ rawNs, taiNs, statisticalNs, adversarialNs, level, verdicts: [] });
    }
    return found;
  }

  /** Lets the agent finish, and looks for each of its actions. What did not hold, in words. */
  async finish(): Promise<{ readonly actionsLost: number; readonly findings: readonly string[] }> {
    this.#isOver = true;
    await this.#acting;
    await this.readings();
    const distinct = new Set(this.#receipted).size;
    await this.#agent.close();
    await this.#scenario.appliance.daemon.stop();
    await this.#scenario.requireWhole();
    return { actionsLost: this.#begun - distinct, findings: this.#findings };
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#scenario.end();
  }

  async #act(): Promise<void> {
    while (!this.#isOver) {
      this.#begun += 1;
      try {
        const { actions } = await this.#agent.submit([someAction(`action ${this.#begun}`)]);
        this.#receipted.push(...actions.map(({ index }) => index));
      } catch (error) {
        this.#findings.push(`action ${this.#begun}: ${String(error)}`);
      }
      await sleep(actEveryMs);
    }
  }
}
