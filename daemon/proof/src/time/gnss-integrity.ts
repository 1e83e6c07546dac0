/**
 * What the messages of one GNSS receiver are worth, epoch by epoch. A receiver can be made to say
 * anything; so it must be the pinned one, at its surveyed place, in a mode in which satellites give
 * the time, between bounds that do not come from it, and without ever having indicated spoofing or
 * interference: that is latched until an operator clears it. No I/O and no clock: whoever replays
 * the frames comes to the same verdicts.
 */
import { equalBytes } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';
import type { LeapTable } from '../tai.ts';
import { LEAP_LIST_PUBLISHED_UNIX_SECONDS, LEAP_TABLE, taiOfUtc, utcOfTai } from '../tai.ts';
import type { EpochReading, RawBracket } from './gnss-epoch.ts';
import { EpochCollector, timeOfDayCs } from './gnss-epoch.ts';
import type { GnssFinding, GnssLatch, GnssMonitoring } from './gnss-findings.ts';
import { GNSS_LATCHES, GNSS_REMARKS } from './gnss-findings.ts';
import { GNSS_HORIZON_SECONDS } from './gnss-instant.ts';
import { GnssMonitors } from './gnss-monitors.ts';
import type { SurveyedPosition } from './gnss-position.ts';
import { isWithin } from './gnss-position.ts';
import type { NmeaSentence } from './nmea.ts';
import { parseNmea } from './nmea.ts';
import type { TimTp } from './ubx-navigation.ts';
import type { UbxMessage } from './ubx.ts';
import { parseUbx } from './ubx.ts';

/** The receiver's own estimate is one sigma; its bound is four. */
export const GNSS_ACCURACY_FACTOR = 4n;

/** How far CLOCK_MONOTONIC_RAW may run off between two epochs before a step is the explanation. */
export const GNSS_DRIFT_PPM_MAX = 200n;

const NS_PER_SECOND = 1_000_000_000n;

/** What the signed configuration says of a receiver. */
export interface ReceiverPins {
  /** SEC-UNIQID; null where the receiver has none, and its line alone names it. */
  readonly receiverId: Uint8Array | null;
  /** null where the antenna may move. */
  readonly survey: SurveyedPosition | null;
  readonly satellitesMin: number;
  /** Longest that a message comes after the instant that it names. */
  readonly latencyMaxNs: bigint;
  /** Whether an epoch counts only while the receiver watches for spoofing and interference. */
  readonly requiresMonitoring: boolean;
}

export interface GnssOptions {
  readonly pins: ReceiverPins;
  /** TAI that is known to have passed: the last anchor's, or the last entry's. */
  readonly passedTaiNs?: bigint;
  /** What was latched before and not cleared. */
  readonly latched?: readonly GnssLatch[];
  readonly leapTable?: LeapTable;
}

/** One frame as the line gave it. */
export interface GnssFrame extends RawBracket {
  readonly kind: 'nmea' | 'ubx';
  readonly bytes: Uint8Array;
}

/** At `rawNs` of CLOCK_MONOTONIC_RAW it was `taiNs`, at least or at most. */
export interface TimeBound {
  readonly rawNs: bigint;
  readonly taiNs: bigint;
}

/** The verdict on one epoch. */
export interface GnssEpoch {
  /** The instant that the receiver names, by our leap list; null where it names none. */
  readonly taiNs: bigint | null;
  /** Whether it may be used; the findings say why not. */
  readonly counts: boolean;
  readonly findings: readonly GnssFinding[];
  /** At least and at most, where an instant is named. */
  readonly earliest: TimeBound | null;
  readonly latest: TimeBound | null;
  /** One sigma by the receiver; null where only NMEA names the instant. */
  readonly timeAccuracyNs: bigint | null;
  readonly spoofing: GnssMonitoring;
  readonly jamming: GnssMonitoring;
  readonly pulse: TimTp | null;
}

export class GnssIntegrity {
  readonly #pins: ReceiverPins;
  readonly #leapTable: LeapTable;
  readonly #monitors = new GnssMonitors();
  readonly #latched: Set<GnssLatch>;
  readonly #passedTaiNs: bigint;
  #isIdentified = false;
  #collector: EpochCollector | null = null;
  #malformed = false;
  #last: GnssEpoch | null = null;

  constructor({ pins, passedTaiNs = 0n, latched = [], leapTable = LEAP_TABLE }: GnssOptions) {
    this.#pins = pins;
    this.#leapTable = leapTable;
    this.#latched = new Set(latched);
    const published = taiOfUtc(BigInt(LEAP_LIST_PUBLISHED_UNIX_SECONDS) * NS_PER_SECOND);
    this.#passedTaiNs = passedTaiNs > published ? passedTaiNs : published;
  }

  /** What is latched, in the order of GNSS_LATCHES. */
  get latched(): readonly GnssLatch[] {
    return GNSS_LATCHES.filter((latch) => this.#latched.has(latch));
  }

  /** An operator's decision: the latches, of which the caller keeps a record, are open again. */
  clear(): readonly GnssLatch[] {
    const cleared = this.latched;
    this.#latched.clear();
    this.#last = null;
    return cleared;
  }

  /** The line was lost or opened anew: whoever answers next has to say who it is. */
  reopen(): GnssEpoch | null {
    const epoch = this.close();
    this.#isIdentified = false;
    this.#monitors.reset();
    return epoch;
  }

  /** One frame, in the order of the line. Gives the epoch that it ends, if it ends one. */
  take(frame: GnssFrame): GnssEpoch | null {
    const message = this.#parse(frame);
    if (message === null) return null;
    const hundredths = timeOfDayCs(message);
    const isNext = hundredths !== null && this.#collector?.hundredths !== hundredths;
    const ended = isNext ? this.close() : null;
    if (isNext) this.#collector = new EpochCollector(hundredths);
    this.#keep(message, frame);
    return ended;
  }

  /** Ends the epoch that is open: nothing more will be said of it, or nobody will wait for it. */
  close(): GnssEpoch | null {
    const collector = this.#collector;
    if (collector === null) return null;
    this.#collector = null;
    const epoch = this.#judge(collector.read(this.#leapTable, this.#firstYear()));
    this.#malformed = false;
    if (epoch.counts) this.#last = epoch;
    return epoch;
  }

  #parse({ kind, bytes }: GnssFrame): NmeaSentence | UbxMessage | null {
    try {
      return kind === 'nmea' ? parseNmea(bytes) : parseUbx(bytes);
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      this.#malformed = true;
      return null;
    }
  }

  #keep(message: NmeaSentence | UbxMessage, frame: GnssFrame): void {
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
        return this.#collector?.takePulse(message);
      case 'sec-uniqid':
        return this.#identify(message.uniqueId);
      case 'nav-status':
      case 'mon-hw':
      case 'mon-rf':
      case 'sec-sig':
        this.#monitors.take(message, frame.rawAfterNs);
        // Latched as it comes: an epoch that never ends must not hide it.
        this.#latchMonitors(frame.rawAfterNs);
        return;
      case 'gsa':
      case 'other-nmea':
      case 'other-ubx':
    }
  }

  #identify(uniqueId: Uint8Array): void {
    const { receiverId: pinned } = this.#pins;
    if (pinned === null) return;
    if (equalBytes(pinned, uniqueId)) this.#isIdentified = true;
    else this.#latched.add('receiver-differs');
  }

  #latchMonitors(rawNs: bigint): void {
    const alarms: readonly GnssMonitoring[] = ['indicated', 'affirmed'];
    if (alarms.includes(this.#monitors.spoofing(rawNs))) this.#latched.add('spoofing');
    if (alarms.includes(this.#monitors.jamming(rawNs))) this.#latched.add('jamming');
  }

  #judge(reading: EpochReading): GnssEpoch {
    const bounds = boundsOf(reading, this.#pins.latencyMaxNs);
    const spoofing = this.#monitors.spoofing(reading.passedRawNs);
    const jamming = this.#monitors.jamming(reading.passedRawNs);
    const findings = new Set<GnssFinding>(reading.findings);
    for (const finding of this.#pinFindings(reading)) findings.add(finding);
    if (this.#pins.requiresMonitoring) {
      if (spoofing === 'not-monitored') findings.add('spoofing-not-monitored');
      if (jamming === 'not-monitored') findings.add('jamming-not-monitored');
    }
    if (bounds !== null) {
      for (const finding of this.#boundFindings(bounds)) findings.add(finding);
      // An epoch that is refused for other reasons says nothing of a step.
      if (refusalsIn(findings).length === 0 && this.#isStep(bounds)) this.#latched.add('time-step');
    }
    for (const latch of this.latched) findings.add(latch);
    if (this.#malformed) findings.add('frame-malformed');
    return {
      taiNs: reading.taiNs,
      counts: refusalsIn(findings).length === 0,
      findings: [...findings].toSorted(),
      earliest: bounds?.earliest ?? null,
      latest: bounds?.latest ?? null,
      timeAccuracyNs: reading.timeAccuracyNs,
      spoofing,
      jamming,
      pulse: reading.pulse,
    };
  }

  #pinFindings({ position, satellites, findings }: EpochReading): GnssFinding[] {
    const { receiverId, survey, satellitesMin } = this.#pins;
    const found: GnssFinding[] = [];
    if (receiverId !== null && !this.#isIdentified) found.push('receiver-unidentified');
    if (satellitesMin > (satellites ?? 0)) found.push('too-few-satellites');
    if (survey === null) return found;
    // Without a fix the position is what the receiver remembers, computes or was told.
    const isGuess = findings.includes('no-fix') || findings.includes('mode-refused');
    if (position === null || isGuess) found.push('position-unknown');
    else if (!isWithin(position, survey)) this.#latched.add('position-moved');
    return found;
  }

  #boundFindings({ latest }: Bounds): GnssFinding[] {
    const horizonNs = BigInt(GNSS_HORIZON_SECONDS) * NS_PER_SECOND;
    if (latest.taiNs < this.#passedTaiNs) return ['before-lower-bound'];
    return latest.taiNs > this.#passedTaiNs + horizonNs ? ['beyond-horizon'] : [];
  }

  /** Whether no drift brings the last epoch that counted to this one. */
  #isStep(bounds: Bounds): boolean {
    const last = this.#last;
    if (last?.earliest == null || last.latest === null) return false;
    const soonest = ahead(last.earliest, bounds.latest.rawNs, -1n);
    const farthest = ahead(last.latest, bounds.earliest.rawNs, 1n);
    return soonest > bounds.latest.taiNs || farthest < bounds.earliest.taiNs;
  }

  #firstYear(): number {
    const { utcNs } = utcOfTai(this.#passedTaiNs, this.#leapTable);
    return new Date(Number(utcNs / 1_000_000n)).getUTCFullYear();
  }
}

interface Bounds {
  readonly earliest: TimeBound;
  readonly latest: TimeBound;
}

function boundsOf(reading: EpochReading, latencyMaxNs: bigint): Bounds | null {
  const { taiNs, timeAccuracyNs, passedRawNs, recentRawNs } = reading;
  if (taiNs === null) return null;
  const slackNs = GNSS_ACCURACY_FACTOR * (timeAccuracyNs ?? 0n);
  return {
    earliest: { rawNs: passedRawNs, taiNs: taiNs - slackNs },
    latest: { rawNs: recentRawNs, taiNs: taiNs + slackNs + latencyMaxNs },
  };
}

/** `bound` carried to `rawNs`, with all the drift there may be on the side of `sign`. */
function ahead(bound: TimeBound, rawNs: bigint, sign: 1n | -1n): bigint {
  const elapsedNs = rawNs - bound.rawNs;
  const distanceNs = elapsedNs < 0n ? -elapsedNs : elapsedNs;
  return bound.taiNs + elapsedNs + (sign * distanceNs * GNSS_DRIFT_PPM_MAX) / 1_000_000n;
}

function refusalsIn(findings: ReadonlySet<GnssFinding>): GnssFinding[] {
  const remarks: ReadonlySet<GnssFinding> = new Set(GNSS_REMARKS);
  return [...findings].filter((finding) => !remarks.has(finding));
}
