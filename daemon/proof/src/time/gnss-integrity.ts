/**
 * What one receiver told over the span of the evidence, epoch by epoch, and what speaks against it
 * (SPEC.md §9.5). A receiver can be made to say anything; so it must be the pinned one, at its
 * surveyed place, in a mode in which satellites give the time, and without ever having indicated
 * spoofing or interference: what speaks against it in a way that does not undo itself is latched.
 */
import { equalBytes } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';
import { EpochCollector, timeOfDayCs } from './gnss-epoch.ts';
import type { EpochReading, RawBracket } from './gnss-epoch.ts';
import { GNSS_MONITOR_AGE_MAX_NS, GnssMonitors } from './gnss-monitors.ts';
import { isWithin } from './gnss-position.ts';
import type { NmeaSentence } from './nmea.ts';
import { parseNmea } from './nmea.ts';
import type { TimeFrame } from './raw-time-evidence.ts';
import type { JudgementContext } from './source-reading.ts';
import { isHarmful } from './source-reading.ts';
import type { LatchedProblem, Sky, SkyState, SourceProblem } from './source-verdict.ts';
import { inOrder, SOURCE_PROBLEMS } from './source-verdict.ts';
import type { GnssPins } from './time-source.ts';
import type { UbxMessage } from './ubx.ts';
import { parseUbx } from './ubx.ts';

/** A receiver's own estimate is one sigma; its bound is four. */
const DEVIATIONS = 4n;
const ALARMS: readonly SkyState[] = ['indicated', 'affirmed'];

/** At `rawNs` of CLOCK_MONOTONIC_RAW it was `taiNs`, at least or at most. */
export interface TimeBound {
  readonly rawNs: bigint;
  readonly taiNs: bigint;
}

/** What all messages of one instant came to. */
export interface GnssEpoch {
  /** The instant that is named; null where none is. */
  readonly taiNs: bigint | null;
  /** At least and at most, where one is. */
  readonly earliest: TimeBound | null;
  readonly latest: TimeBound | null;
  /** Half a width of the instant, and whether the receiver itself estimates it. */
  readonly accuracyNs: bigint;
  readonly isEstimated: boolean;
  readonly sky: Sky;
  /** Of this epoch, or latched by then: with one it does not count. */
  readonly problems: readonly SourceProblem[];
}

/** An epoch against which, latches aside, nothing speaks. */
export type SoundEpoch = GnssEpoch & { readonly earliest: TimeBound; readonly latest: TimeBound };

/** What a receiver told. */
export interface ReceiverAccount {
  readonly epochs: readonly SoundEpoch[];
  /** When messages came that name an instant. */
  readonly namedRawNs: readonly bigint[];
  readonly problems: ReadonlySet<SourceProblem>;
  readonly latched: ReadonlySet<LatchedProblem>;
  readonly sky: Sky;
}

export type HeardFrame = Omit<TimeFrame, 'source' | 'clockNs'>;

/** What a receiver is heard by. */
export type GnssOptions = Pick<JudgementContext, 'leap' | 'passedTaiNs'> & {
  readonly pins: GnssPins;
};

export class GnssIntegrity {
  readonly #options: GnssOptions;
  readonly #monitors = new GnssMonitors();
  readonly #problems = new Set<SourceProblem>();
  readonly #latched = new Set<LatchedProblem>();
  readonly #epochs: SoundEpoch[] = [];
  readonly #namedRawNs: bigint[] = [];
  #firstRawNs: bigint | null = null;
  #isIdentified = false;
  #collector: EpochCollector | null = null;
  /** The first epoch may have begun before anybody listened. */
  #isWhole = false;

  constructor(options: GnssOptions) {
    this.#options = options;
  }

  /** One frame, in the order of the line. Gives the whole epoch that it ends, if it ends one. */
  take(frame: HeardFrame): GnssEpoch | null {
    this.#firstRawNs ??= frame.rawAfterNs;
    if (frame.kind === 'note') {
      if (isHarmful(frame)) this.#reopen();
      return null;
    }
    const message = this.#parse(frame);
    if (message === null) return null;
    const hundredths = timeOfDayCs(message);
    if (hundredths !== null) this.#namedRawNs.push(frame.rawAfterNs);
    const isNext = hundredths !== null && this.#collector?.hundredths !== hundredths;
    const ended = isNext ? this.#close() : null;
    if (isNext) this.#collector = new EpochCollector(hundredths);
    this.#keep(message, frame);
    return ended;
  }

  /** All until now. The epoch that is open may go on: it is not judged. */
  account(takenRawNs: bigint): ReceiverAccount {
    this.#requireMonitoring(takenRawNs);
    if (this.#options.pins.receiverId !== null && !this.#isIdentified)
      this.#problems.add('unidentified');
    return {
      epochs: this.#epochs,
      namedRawNs: this.#namedRawNs,
      problems: this.#problems,
      latched: this.#latched,
      sky: this.#sky(takenRawNs),
    };
  }

  /** The line was lost: whoever answers next has to say who it is. */
  #reopen(): void {
    this.#collector = null;
    this.#isWhole = false;
    this.#isIdentified = false;
    this.#monitors.reset();
  }

  #close(): GnssEpoch | null {
    const collector = this.#collector;
    this.#collector = null;
    const wasWhole = this.#isWhole;
    this.#isWhole = collector !== null;
    return collector !== null && wasWhole ? this.#judge(collector.read(this.#options)) : null;
  }

  #parse({ kind, bytes }: Pick<TimeFrame, 'kind' | 'bytes'>): NmeaSentence | UbxMessage | null {
    try {
      if (kind === 'nmea') return parseNmea(bytes);
      return kind === 'ubx' ? parseUbx(bytes) : null;
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      this.#problems.add('malformed');
      return null;
    }
  }

  #keep(message: NmeaSentence | UbxMessage, frame: RawBracket): void {
    switch (message.kind) {
      case 'rmc':
      case 'zda':
      case 'gga':
      case 'nav-pvt':
      case 'nav-timeutc':
        return this.#collector?.takeTimed(message, frame);
      case 'nav-timels':
        return this.#collector?.takeLeap(message);
      case 'tim-tp':
        if (this.#options.pins.pulse && !message.isPulseLocked) this.#problems.add('pulse');
        return;
      case 'sec-uniqid':
        return this.#identify(message.uniqueId);
      case 'nav-status':
      case 'mon-hw':
      case 'mon-rf':
      case 'sec-sig':
        this.#monitors.take(message, frame.rawAfterNs);
        return this.#latchAlarms(frame.rawAfterNs);
      case 'gsa':
      case 'other-nmea':
      case 'other-ubx':
    }
  }

  #identify(uniqueId: Uint8Array): void {
    const { receiverId } = this.#options.pins;
    if (receiverId === null) return;
    if (equalBytes(receiverId, uniqueId)) this.#isIdentified = true;
    else this.#latched.add('identity');
  }

  /** As they come: an epoch that never ends must not hide them. */
  #latchAlarms(rawNs: bigint): void {
    if (ALARMS.includes(this.#monitors.spoofing(rawNs))) this.#latched.add('spoofing');
    if (ALARMS.includes(this.#monitors.jamming(rawNs))) this.#latched.add('jamming');
  }

  #judge(reading: EpochReading): GnssEpoch {
    const { taiNs, timeAccuracyNs, passedRawNs, recentRawNs } = reading;
    if (passedRawNs - (this.#firstRawNs ?? 0n) > GNSS_MONITOR_AGE_MAX_NS) {
      this.#requireMonitoring(passedRawNs);
    }
    const found = new Set([...reading.problems, ...this.#pinProblems(reading)]);
    for (const problem of found) this.#problems.add(problem);
    const isEstimated = timeAccuracyNs !== null;
    const accuracyNs = isEstimated ? DEVIATIONS * timeAccuracyNs : this.#options.pins.accuracyNs;
    const { latencyMaxNs } = this.#options.pins;
    const told = { taiNs, accuracyNs, isEstimated, sky: this.#sky(passedRawNs) };
    const problems = inOrder(SOURCE_PROBLEMS, [...found, ...this.#latched]);
    if (taiNs === null) return { ...told, earliest: null, latest: null, problems };
    const earliest = { rawNs: passedRawNs, taiNs: taiNs - accuracyNs };
    const latest = { rawNs: recentRawNs, taiNs: taiNs + accuracyNs + latencyMaxNs };
    // One that is refused for itself says nothing of a step.
    if (found.size === 0) this.#epochs.push({ ...told, earliest, latest, problems });
    return { ...told, earliest, latest, problems };
  }

  #pinProblems({ position, satellites, problems }: EpochReading): SourceProblem[] {
    const { survey, satellitesMin } = this.#options.pins;
    const found: SourceProblem[] = [];
    if (satellitesMin > (satellites ?? 0)) found.push('too-few-satellites');
    if (survey === null) return found;
    // Without a fix the position is what the receiver remembers, computes or was told.
    const isGuess = problems.includes('no-fix') || problems.includes('simulated');
    if (position === null || isGuess) found.push('position-unknown');
    else if (!isWithin(position, survey)) this.#latched.add('position');
    return found;
  }

  #requireMonitoring(rawNs: bigint): void {
    const { spoofing, jamming } = this.#sky(rawNs);
    if (!this.#options.pins.monitored) return;
    if (spoofing === 'not-monitored') this.#problems.add('spoofing-not-monitored');
    if (jamming === 'not-monitored') this.#problems.add('jamming-not-monitored');
  }

  #sky(rawNs: bigint): Sky {
    return { spoofing: this.#monitors.spoofing(rawNs), jamming: this.#monitors.jamming(rawNs) };
  }
}
