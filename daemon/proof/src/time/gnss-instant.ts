/**
 * An instant as a receiver names it, on our own scale. Its century, its leap seconds and its week
 * number are its own matter: TAI is by our leap list, and an instant outside the bounds is refused,
 * so that neither a week rollover nor a year of two digits can move time.
 */
import type { LeapSeconds } from '../tai.ts';
import { taiOfUtc, utcOfTai } from '../tai.ts';
import { ProofError } from '../proof-error.ts';

const NS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400;

/**
 * How far beyond what is known to have passed a receiver may place us: ten years. It is less than
 * 1,024 weeks (19.6 years), the step of a week number that rolls over.
 */
const HORIZON_NS = 3653n * BigInt(SECONDS_PER_DAY) * NS_PER_SECOND;
/** By less than a day a receiver may contradict what has passed: that is for others to settle. */
const SLACK_NS = BigInt(SECONDS_PER_DAY) * NS_PER_SECOND;

/** UTC in parts; `second` is 60 in a leap second, `nanosecond` may be negative. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
}

/** TAI of a civil time; null where the calendar or the leap list has no such instant. */
export function taiOfCivil(civil: CivilTime, leap: LeapSeconds): bigint | null {
  const { year, month, day, hour, minute, second, nanosecond } = civil;
  const isLeapSecond = second === 60;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 60) return null;
  const seconds = isLeapSecond ? 59 : second;
  const unixSeconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + seconds;
  try {
    const tai = taiOfUtc(BigInt(unixSeconds) * NS_PER_SECOND, leap);
    if (!isLeapSecond) return tai + BigInt(nanosecond);
    const leapTai = tai + NS_PER_SECOND;
    return utcOfTai(leapTai, leap).isLeapSecond ? leapTai + BigInt(nanosecond) : null;
  } catch (error) {
    if (error instanceof ProofError) return null; // before the list's first step
    throw error;
  }
}

/** Whether an instant can be now, where `passedTaiNs` has passed. */
export function isPossible(taiNs: bigint, passedTaiNs: bigint): boolean {
  return taiNs >= passedTaiNs - SLACK_NS && taiNs <= passedTaiNs + HORIZON_NS;
}

/** The first year that now may be in. */
export function firstYearAfter(passedTaiNs: bigint): number {
  return new Date(Number((passedTaiNs - SLACK_NS) / 1_000_000n)).getUTCFullYear();
}

/** The one year of two digits that is not before `firstYear`. */
export function fullYear(twoDigits: number, firstYear: number): number {
  return firstYear + ((((twoDigits - firstYear) % 100) + 100) % 100);
}

/** GPS time of week in ms of a TAI instant: GPS runs 19 s behind TAI since 1980-01-06. */
export function gpsTimeOfWeekMs(taiNs: bigint): number {
  const gpsNs = taiNs - 19n * NS_PER_SECOND - 315_964_800n * NS_PER_SECOND;
  return Number((gpsNs / 1_000_000n) % BigInt(7 * SECONDS_PER_DAY * 1000));
}
