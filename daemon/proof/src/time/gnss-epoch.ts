/**
 * One epoch of a GNSS receiver: all that its messages say of one and the same instant. A message is
 * sent after the instant that it names, by at most the latency that the pins state, so an epoch
 * bounds time from both sides without any trust in when we were scheduled to read it.
 */
import type { LeapSeconds } from '../tai.ts';
import {
  firstYearAfter,
  fullYear,
  gpsTimeOfWeekMs,
  isPossible,
  taiOfCivil,
} from './gnss-instant.ts';
import type { CivilTime } from './gnss-instant.ts';
import { largest, smallest } from './integers.ts';
import { isListed, isOffsetAbout } from './leap-seconds.ts';
import type { Gga, NmeaSentence, Rmc, Zda } from './nmea.ts';
import type { NmeaPosition } from './nmea-fields.ts';
import type { SourceProblem } from './source-verdict.ts';
import type { NavPvt, NavTimeLs, NavTimeUtc } from './ubx-navigation.ts';
import type { UbxMessage } from './ubx.ts';

/** Between these two reads of CLOCK_MONOTONIC_RAW the frame's bytes came. */
export interface RawBracket {
  readonly rawBeforeNs: bigint;
  readonly rawAfterNs: bigint;
}

/** A message that names a time of day. */
type Timed = Rmc | Zda | Gga | NavPvt | NavTimeUtc;

interface TimedFrame extends RawBracket {
  readonly message: Timed;
}

const CS_PER_DAY = 8_640_000;
const MS_PER_WEEK = 604_800_000;
const GPS_MINUS_TAI_SECONDS = 19;
const NS_PER_SECOND = 1_000_000_000n;

/** RMC and PVT modes in which satellites give the time. */
const MODES: ReadonlySet<string> = new Set(['A', 'D', 'F', 'R', 'P']);
const REFUSED_MODES: ReadonlySet<string> = new Set(['E', 'M', 'S']);
const REFUSED_QUALITIES: ReadonlySet<number> = new Set([6, 7, 8]);
const FIXES: ReadonlySet<number> = new Set([2, 3, 5]);
const DEAD_RECKONING: ReadonlySet<number> = new Set([1, 4]);

/** Messages with a date, the finest first: an epoch's instant is that of its first. */
const CARRIERS: readonly Timed['kind'][] = ['nav-pvt', 'nav-timeutc', 'zda', 'rmc'];

/** The hundredth of a second of the day that a message names; null where it names none. */
export function timeOfDayCs(message: NmeaSentence | UbxMessage): number | null {
  switch (message.kind) {
    case 'rmc':
    case 'zda':
    case 'gga':
      return message.time === null ? null : hundredthsOf(message.time);
    case 'nav-pvt':
    case 'nav-timeutc':
      return hundredthsOf(message.utc);
    default:
      return null;
  }
}

/** A fraction just below zero belongs to the second before; midnight is 0, a leap second is not. */
function hundredthsOf(time: Pick<CivilTime, 'hour' | 'minute' | 'second' | 'nanosecond'>): number {
  const seconds = time.hour * 3600 + time.minute * 60 + time.second;
  const hundredths = seconds * 100 + Math.round(time.nanosecond / 1e7);
  if (hundredths < 0) return hundredths + CS_PER_DAY;
  return hundredths;
}

/** What the messages of one epoch come to. */
export interface EpochReading {
  /** The instant that is named; null where no message names a whole and valid one. */
  readonly taiNs: bigint | null;
  /** The receiver's own estimate, one sigma; null where only NMEA names the instant. */
  readonly timeAccuracyNs: bigint | null;
  readonly position: NmeaPosition | null;
  /** In use; null where no message tells. */
  readonly satellites: number | null;
  readonly problems: readonly SourceProblem[];
  /** CLOCK_MONOTONIC_RAW when the first message had come: the instant had passed. */
  readonly passedRawNs: bigint;
  /** CLOCK_MONOTONIC_RAW before the last one came: the latency limit had not passed. */
  readonly recentRawNs: bigint;
}

/** What an epoch is read by. */
export interface EpochContext {
  readonly leap: LeapSeconds;
  /** TAI that is known to have passed. */
  readonly passedTaiNs: bigint;
}

/** Collects the messages of one epoch, in the order in which they come. */
export class EpochCollector {
  readonly hundredths: number;
  readonly #timed: TimedFrame[] = [];
  #announced: NavTimeLs | null = null;

  constructor(hundredths: number) {
    this.hundredths = hundredths;
  }

  takeTimed(message: Timed, { rawBeforeNs, rawAfterNs }: RawBracket): void {
    this.#timed.push({ message, rawBeforeNs, rawAfterNs });
  }

  takeLeap(message: NavTimeLs): void {
    this.#announced = message;
  }

  read({ leap, passedTaiNs }: EpochContext): EpochReading {
    const messages = this.#timed.map(({ message }) => message);
    const problems = new Set<SourceProblem>(messages.flatMap(refusalsOf));
    const instants = new Set<bigint>();
    const carriers = CARRIERS.flatMap((kind) =>
      messages.filter((message) => message.kind === kind && isWhole(message, messages)),
    );
    const [year] = carriers.flatMap(fullYearOf);
    for (const message of carriers) {
      const first = year === undefined ? firstYearAfter(passedTaiNs) : year - 50;
      const civil = civilOf(message, first);
      const taiNs = civil === null ? null : taiOfCivil(civil, leap);
      if (taiNs === null || !isPossible(taiNs, passedTaiNs)) problems.add('date');
      if (taiNs !== null) instants.add(taiNs);
    }
    const [taiNs = null] = instants;
    if (carriers.length === 0) problems.add('no-fix');
    if (taiNs !== null) {
      if ([...instants].some((other) => !isSame(other, taiNs))) problems.add('time-disagrees');
      for (const problem of leapProblems(taiNs, { messages, announced: this.#announced, leap })) {
        problems.add(problem);
      }
    }
    return {
      taiNs,
      timeAccuracyNs: accuracyOf(messages),
      position: positionOf(messages),
      satellites: satellitesOf(messages),
      problems: [...problems],
      passedRawNs: smallest(this.#timed.map(({ rawAfterNs }) => rawAfterNs)),
      recentRawNs: largest(this.#timed.map(({ rawBeforeNs }) => rawBeforeNs)),
    };
  }
}

/** What a message says against its own epoch. */
function refusalsOf(message: Timed): SourceProblem[] {
  switch (message.kind) {
    case 'rmc':
      if (message.mode !== null && REFUSED_MODES.has(message.mode)) return ['simulated'];
      return message.isValid && (message.mode === null || MODES.has(message.mode))
        ? []
        : ['no-fix'];
    case 'gga':
      if (REFUSED_QUALITIES.has(message.quality)) return ['simulated'];
      return message.quality === 0 ? ['no-fix'] : [];
    case 'zda':
      return [];
    case 'nav-timeutc':
      return message.isUtcValid ? [] : ['time-unresolved'];
    default:
      return pvtRefusals(message);
  }
}

function pvtRefusals(message: NavPvt): SourceProblem[] {
  if (DEAD_RECKONING.has(message.fixType)) return ['simulated'];
  if (!message.isFixOk || !FIXES.has(message.fixType)) return ['no-fix'];
  const isResolved = message.isDateValid && message.isTimeValid && message.isFullyResolved;
  const isDoubted = message.isDateConfirmed === false || message.isTimeConfirmed === false;
  return isResolved && !isDoubted ? [] : ['time-unresolved'];
}

/**
 * Whether a message names an instant with a date and a verdict. ZDA has no verdict: it stands only
 * beside an RMC, GGA or PVT of the same epoch.
 */
function isWhole(message: Timed, all: readonly Timed[]): boolean {
  switch (message.kind) {
    case 'gga':
      return false;
    case 'rmc':
      return message.time !== null && message.date !== null && message.isValid;
    case 'zda': {
      const hasVerdict = all.some(({ kind }) => kind !== 'zda' && kind !== 'nav-timeutc');
      return message.time !== null && message.date !== null && hasVerdict;
    }
    case 'nav-timeutc':
      return message.isUtcValid;
    default:
      return message.isDateValid && message.isTimeValid;
  }
}

/** The year as a message has it in full; none of one that has two digits. */
function fullYearOf(message: Timed): number[] {
  if (message.kind === 'nav-pvt' || message.kind === 'nav-timeutc') return [message.utc.year];
  return message.kind === 'zda' && message.date !== null ? [message.date.year] : [];
}

/** @param firstYear of the hundred years that a year of two digits may be of */
function civilOf(message: Timed, firstYear: number): CivilTime | null {
  switch (message.kind) {
    case 'nav-pvt':
    case 'nav-timeutc':
      return message.utc;
    case 'rmc': {
      const { time, date } = message;
      if (time === null || date === null) return null;
      return { ...time, ...date, year: fullYear(date.year, firstYear) };
    }
    case 'zda':
      return message.time === null || message.date === null
        ? null
        : { ...message.time, ...message.date };
    default:
      return null;
  }
}

/** The fractions of messages differ by their resolution; whole seconds must not. */
function isSame(one: bigint, other: bigint): boolean {
  const difference = one - other;
  return difference < NS_PER_SECOND / 2n && difference > -NS_PER_SECOND / 2n;
}

interface LeapEvidence {
  readonly messages: readonly Timed[];
  readonly announced: NavTimeLs | null;
  readonly leap: LeapSeconds;
}

/** Compares with our list what the receiver holds GPS - UTC to be, said and shown. */
function leapProblems(taiNs: bigint, { messages, announced, leap }: LeapEvidence): SourceProblem[] {
  const problems: SourceProblem[] = [];
  const shown = messages.filter((message) => message.kind === 'nav-pvt');
  for (const { timeOfWeekMs } of shown) {
    const apart = Math.abs(timeOfWeekMs - gpsTimeOfWeekMs(taiNs));
    if (Math.min(apart, MS_PER_WEEK - apart) >= 500) problems.push('utc-offset');
  }
  if (announced === null) return problems;
  const { change, currentLeapSeconds, timeToEventSeconds, isEventValid } = announced;
  const told = currentLeapSeconds + GPS_MINUS_TAI_SECONDS;
  if (announced.isCurrentValid && !isOffsetAbout(taiNs, told, leap)) problems.push('utc-offset');
  if (isEventValid && change !== 0 && timeToEventSeconds >= 0) {
    // Two seconds on, the step is behind us whichever second the receiver counts to.
    const toNs = taiNs + BigInt(timeToEventSeconds + 2) * NS_PER_SECOND;
    if (!isListed(change, { fromNs: taiNs, toNs }, leap)) problems.push('leap-announced');
  }
  return problems;
}

function accuracyOf(messages: readonly Timed[]): bigint | null {
  const estimates = messages.flatMap((message) =>
    message.kind === 'nav-pvt' || message.kind === 'nav-timeutc' ? [message.timeAccuracyNs] : [],
  );
  return estimates.length === 0 ? null : BigInt(Math.max(...estimates));
}

/** A receiver that says where it is, in the message that says it best. */
function positionOf(messages: readonly Timed[]): NmeaPosition | null {
  const pvt = messages.find((message) => message.kind === 'nav-pvt');
  if (pvt !== undefined) {
    const { isPositionValid, latitudeE7, longitudeE7 } = pvt;
    return isPositionValid ? { latitudeE7, longitudeE7 } : null;
  }
  const placed = messages.filter((message) => message.kind === 'rmc' || message.kind === 'gga');
  return placed.find(({ position }) => position !== null)?.position ?? null;
}

/** The fewest that a message tells of. */
function satellitesOf(messages: readonly Timed[]): number | null {
  const counts = messages.flatMap((message) =>
    (message.kind === 'nav-pvt' || message.kind === 'gga') && message.satellites !== null
      ? [message.satellites]
      : [],
  );
  return counts.length === 0 ? null : Math.min(...counts);
}
