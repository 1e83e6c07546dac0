/**
 * The clock of this run: the time profile in force, the processes that read its sources, what is
 * made of them, and the levels that agents wait for. Without a profile there is the system clock.
 */
import { equalBytes, TIME_LEVELS, type SegmentReading, type TimeLevel } from '@kudurru/proof';

import type { Anchorer } from '../anchor/anchorer.ts';
import type { AnchorEvidence } from '../anchor/prepared.ts';
import { isKudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex, type LeafIndex } from '../base/units.ts';
import type { Configuration } from '../config/load.ts';
import type { AgentRegistry } from '../identity/agents.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import { systemEntry } from '../ledger/system-entry.ts';
import type { Clock } from '../time/clock.ts';
import type { SupervisedSource } from '../time/supervised-source.ts';
import { Timekeeper, type TakenEvidence } from '../time/timekeeper.ts';
import { readBootId } from './boot-record.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { FoundedLedger } from './founding.ts';
import { readOwn, watchOwnClocks } from './own-clocks.ts';
import { Periodic } from './periodic.ts';
import { lastEvidence, rawBodies } from './time-entries.ts';
import { TimeProfiles, type ProfileInForce } from './time-profiles.ts';
import { TimeRequirements } from './time-requirements.ts';
import { startTimeSources } from './time-sources.ts';

export interface TimekeepingOptions {
  readonly configuration: Configuration;
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly agents: AgentRegistry;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often the sources are looked at: within so long a change of level is an entry. */
const lookEveryMs = 1000;

export class Timekeeping {
  readonly clock: Clock;
  readonly profiles: TimeProfiles;
  readonly requirements: TimeRequirements;
  readonly #options: TimekeepingOptions;
  #keeper: Timekeeper | null = null;
  #sources: readonly SupervisedSource[] = [];
  /** Of the anchor under way. */
  #taken: TakenEvidence | null = null;
  #refused = 0;
  #startCause: 'start' | 'new-boot' = 'start';
  #watch: ClockWatch | null = null;
  #level: TimeLevel = 'UNKNOWN';

  constructor(options: TimekeepingOptions) {
    const { configuration, founded, ledger, agents, clock, log } = options;
    this.#options = options;
    this.clock = clock;
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
      onUse: (inForce) => this.#use(inForce),
    });
  }

  /** Null before the first profile. */
  get keeper(): Timekeeper | null {
    return this.#keeper;
  }

  /** TAI of the newest entry: no later one has less. */
  get lastTaiNs(): bigint {
    return this.#options.founded.store.lastTime().taiNs;
  }

  /** What the segment in force says now; null where time is the system clock's. */
  reading(): SegmentReading | null {
    return this.#keeper?.reading(this.lastTaiNs) ?? null;
  }

  /** The agents are known; nobody can submit yet. */
  async begin(): Promise<void> {
    await this.requirements.begin();
    this.#startCause = (await this.#isOtherBoot()) ? 'new-boot' : 'start';
    await this.profiles.restore();
  }

  /** The anchorer's own, of which the clock hears too. */
  notedBy(anchorer: Pick<Anchorer, 'noteActivity'>): Anchorer['noteActivity'] {
    return (awaiting) => {
      this.#keeper?.noteActivity();
      anchorer.noteActivity(awaiting);
    };
  }

  /**
   * Looks at clocks and sources, and at once when somebody sets the system's clock.
   * @param refusals since the start, by code
   */
  looks(
    refusals: () => Readonly<Record<string, number>>,
    fail: (error: unknown) => void,
  ): Periodic {
    const looks = new Periodic(lookEveryMs, () => this.#look(refusals()), fail);
    this.#watch = watchOwnClocks(() => looks.soon(), this.#options.log);
    return looks;
  }

  /**
   * A disk that is full loses the entry and nothing else: the segment in force sinks by itself, and
   * one that a break ended is in force no longer.
   */
  async #look(refusals: Readonly<Record<string, number>>): Promise<void> {
    const found = this.#watch?.look() ?? null;
    if (found !== null) this.#options.log.warning('clock', { ...found });
    // Who is refused for the level waits for new evidence: a ledger at rest makes none.
    const refused = refusals['time-level'] ?? 0;
    if (refused > this.#refused) this.#keeper?.noteActivity();
    this.#refused = refused;
    try {
      await this.#keeper?.look(found);
    } catch (error) {
      if (!isKudurruError(error) || error.retry !== 'later') throw error;
      this.#options.log.error('time evidence not recorded', error);
    }
    this.#tellLevel();
  }

  /** For an anchor; null where no profile is in force. */
  async takeEvidence(): Promise<AnchorEvidence | null> {
    if (this.#keeper === null) return null;
    this.#taken = await this.#keeper.take();
    return { evidence: this.#taken.evidence, rawEvidence: this.#taken.raw };
  }

  /** An anchor is in the log. One that an earlier run took the evidence for brings no segment. */
  async settleEvidence(evidence: Uint8Array, index: LeafIndex): Promise<void> {
    const taken = this.#taken;
    this.#taken = null;
    const { keeper } = this;
    if (taken?.evidence === evidence) await keeper?.settle(taken, index);
    else keeper?.follow(evidence, index);
  }

  async stop(): Promise<void> {
    this.#watch?.stop();
    await this.#stopSources();
  }

  async #stopSources(): Promise<void> {
    const sources = this.#sources;
    this.#sources = [];
    for (const source of sources) await source.stop();
  }

  /** Whether the last evidence is of another boot of the kernel than this. */
  async #isOtherBoot(): Promise<boolean> {
    const { ledger } = this.#options;
    const index = await ledger.lastOfKind('time-evidence');
    if (index === null) return false;
    const { time } = entryOfKind(await ledger.readEntry(index), 'time-evidence', index);
    const bootIndex = leafIndex(time.bootIndex);
    const boot = entryOfKind(await ledger.readEntry(bootIndex), 'boot', bootIndex);
    return !equalBytes(boot.kernelBootId, readBootId());
  }

  #tellLevel(): void {
    const reading = this.reading();
    const timeLevel = reading?.level ?? 'UNKNOWN';
    if (timeLevel === this.#level) return;
    const fields = {
      timeLevel,
      before: this.#level,
      statisticalNs: reading?.statisticalNs ?? null,
      adversarialNs: reading?.adversarialNs ?? null,
      evidence: this.#keeper?.inForce?.evidenceIndex ?? null,
      sources: verdictsText(this.#keeper),
    };
    const isBetter = TIME_LEVELS.indexOf(timeLevel) > TIME_LEVELS.indexOf(this.#level);
    this.#level = timeLevel;
    if (isBetter) this.#options.log.info('level of time risen', fields);
    else this.#options.log.warning('level of time fallen', fields);
  }

  async #use({ index, profile, operators }: ProfileInForce): Promise<void> {
    const { configuration, log, ledger, founded } = this.#options;
    const by = operators.join(', ');
    log.info('time profile in force', { index, name: profile.name, operators: by });
    await this.requirements.useProfile(profile.requireTimeLevel);
    await this.#stopSources();
    const keeper = new Timekeeper({
      profile,
      profileIndex: index,
      prior: await lastEvidence(ledger, index),
      read: readOwn,
      startCause: this.#startCause,
      append: async ({ evidence, raw }) => {
        const entry = systemEntry('time-evidence', { evidence }, rawBodies(raw));
        return (await ledger.appendOne(entry)).index;
      },
      use: (segment, { evidenceIndex, suspendedNs }) =>
        founded.store.useSegment(segment, evidenceIndex, suspendedNs),
      drop: () => founded.store.dropSegment(),
    });
    this.#startCause = 'start';
    this.#keeper = keeper;
    this.#taken = null;
    this.#sources = startTimeSources(profile, { configuration, keeper, log });
  }
}

/** `ptp healthy, gnss unhealthy (silent)`, as last judged. */
function verdictsText(keeper: Timekeeper | null): string {
  const told = keeper?.latest?.verdicts ?? [];
  const text = told.map(({ source, state, problems }) => {
    const why = problems.length === 0 ? '' : ` (${problems.join(', ')})`;
    return `${keeper?.profile.sources[source]?.id ?? source} ${state}${why}`;
  });
  return text.join(', ');
}
