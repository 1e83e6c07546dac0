/** The clock of this run, the time profile in force, and the levels that agents wait for. */
import type { Configuration } from '../config/load.ts';
import type { Log } from '../base/log.ts';
import type { AgentRegistry } from '../identity/agents.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock } from '../time/clock.ts';
import type { FoundedLedger } from './founding.ts';
import { TimeProfiles } from './time-profiles.ts';
import { TimeRequirements } from './time-requirements.ts';

export interface TimekeepingOptions {
  readonly configuration: Configuration;
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly agents: AgentRegistry;
  readonly clock: Clock;
  readonly log: Log;
}

export class Timekeeping {
  readonly clock: Clock;
  readonly profiles: TimeProfiles;
  readonly requirements: TimeRequirements;
  readonly #log: Log;

  constructor(options: TimekeepingOptions) {
    const { configuration, founded, ledger, agents, clock, log } = options;
    this.clock = clock;
    this.#log = log;
    this.requirements = new TimeRequirements({
      store: founded.store,
      table: configuration.time,
      trustDomain: founded.trustDomain,
      agents,
      log,
    });
    this.profiles = new TimeProfiles({
      stateFolder: configuration.state,
      ledgerId: founded.ledgerId,
      provisioningRecord: founded.provisioningRecord,
      ledger,
      clock,
      onUse: async ({ index, profile, operators }) => {
        this.#log.info('time profile in force', {
          index,
          name: profile.name,
          operators: operators.join(', '),
        });
        await this.requirements.useProfile(profile.requireTimeLevel);
      },
    });
  }

  /** The agents are known; nobody can submit yet. */
  async begin(): Promise<void> {
    await this.requirements.begin();
    await this.profiles.restore();
  }
}
