/**
 * The level of time that each agent waits for: by the configuration, else by the time profile in
 * force. The ledger refuses what comes under a lower one; everything else is recorded as it is.
 */
import type { TimeLevel } from '@kudurru/proof';

import type { Log } from '../base/log.ts';
import type { TimeTable } from '../config/time-table.ts';
import type { LedgerStore } from '../ledger/store.ts';
import { agentNameOf, type AgentRegistry } from '../identity/agents.ts';
import type { NewAgent } from './enroller.ts';

export interface TimeRequirementsOptions {
  readonly store: Pick<LedgerStore, 'requireTimeLevel'>;
  readonly table: TimeTable;
  readonly trustDomain: string;
  readonly agents: AgentRegistry;
  readonly log: Log;
}

export class TimeRequirements {
  readonly #options: TimeRequirementsOptions;
  #byProfile: TimeLevel = 'UNKNOWN';

  constructor(options: TimeRequirementsOptions) {
    this.#options = options;
  }

  /** Of all agents that are enrolled; a name that nobody has is told, and waits for its agent. */
  async begin(): Promise<void> {
    const { agents, table, log } = this.#options;
    for (const agent of agents.all()) await this.apply(agent);
    for (const name of Object.keys(table.requireLevel)) {
      if (agents.byName(name) === null) log.warning('no agent of this name', { name });
    }
  }

  /** Another profile is in force. */
  async useProfile(level: TimeLevel): Promise<void> {
    this.#byProfile = level;
    for (const agent of this.#options.agents.all()) await this.apply(agent);
  }

  async apply({ agentIndex, agentId }: NewAgent): Promise<void> {
    await this.#options.store.requireTimeLevel(agentIndex, this.levelOf(agentId));
  }

  levelOf(agentId: string): TimeLevel {
    const { table, trustDomain } = this.#options;
    const name = agentNameOf(agentId, trustDomain) ?? '';
    return Object.hasOwn(table.requireLevel, name)
      ? (table.requireLevel[name] ?? this.#byProfile)
      : this.#byProfile;
  }
}
