/**
 * UTC and TAI, in nanoseconds since 1970-01-01T00:00:00 of each scale, by our own leap-second
 * table. UTC is counted as POSIX does: a leap second has no number of its own and repeats the next
 * one's.
 */
import { ProofError } from './proof-error.ts';

const NS_PER_SECOND = 1_000_000_000n;

/** From `fromUnixSeconds` on (UTC), TAI is ahead of UTC by `taiMinusUtcSeconds`. */
export interface LeapStep {
  readonly fromUnixSeconds: number;
  readonly taiMinusUtcSeconds: number;
}

/** Leap seconds; after `expiresUnixSeconds` one may have come that is not among them. */
export interface LeapSeconds {
  readonly expiresUnixSeconds: number;
  /** Ascending. */
  readonly steps: readonly LeapStep[];
}

/** All of them since 1972. */
export interface LeapTable extends LeapSeconds {
  readonly source: string;
}

/** First second (UTC) of each TAI-UTC value since 1972, one second more from step to step. */
// prettier-ignore
const STEP_STARTS = [
  '1972-01-01', '1972-07-01', '1973-01-01', '1974-01-01', '1975-01-01', '1976-01-01', '1977-01-01',
  '1978-01-01', '1979-01-01', '1980-01-01', '1981-07-01', '1982-07-01', '1983-07-01', '1985-07-01',
  '1988-01-01', '1990-01-01', '1991-01-01', '1992-07-01', '1993-07-01', '1994-07-01', '1996-01-01',
  '1997-07-01', '1999-01-01', '2006-01-01', '2009-01-01', '2012-07-01', '2015-07-01', '2017-01-01',
];
const FIRST_TAI_MINUS_UTC_SECONDS = 10;

/** The table of IERS Bulletin C 72: no leap second before 28 June 2027. */
export const LEAP_TABLE: LeapTable = {
  source: 'IERS Bulletin C 72, 6 July 2026',
  expiresUnixSeconds: unixSecondsOf('2027-06-28'),
  steps: STEP_STARTS.map((date, i) => ({
    fromUnixSeconds: unixSecondsOf(date),
    taiMinusUtcSeconds: FIRST_TAI_MINUS_UTC_SECONDS + i,
  })),
};

/** Publication of that table: whatever claims to be now is not before it. */
export const LEAP_LIST_PUBLISHED_UNIX_SECONDS = unixSecondsOf('2026-07-06');

/** A UTC instant; `isLeapSecond` tells 23:59:60 from the second that follows it. */
export interface UtcInstant {
  readonly utcNs: bigint;
  readonly isLeapSecond: boolean;
}

/** TAI-UTC in seconds at a UTC instant. @throws ProofError `time-malformed` before 1972 */
export function taiMinusUtcSeconds(utcNs: bigint, table: LeapSeconds = LEAP_TABLE): number {
  const step = table.steps.findLast(
    ({ fromUnixSeconds }) => BigInt(fromUnixSeconds) * NS_PER_SECOND <= utcNs,
  );
  if (step === undefined) throw beforeTable(utcNs);
  return step.taiMinusUtcSeconds;
}

/** TAI of a UTC instant. @throws ProofError `time-malformed` before 1972 */
export function taiOfUtc(utcNs: bigint, table: LeapSeconds = LEAP_TABLE): bigint {
  return utcNs + BigInt(taiMinusUtcSeconds(utcNs, table)) * NS_PER_SECOND;
}

/** UTC of a TAI instant. @throws ProofError `time-malformed` before 1972 */
export function utcOfTai(taiNs: bigint, table: LeapSeconds = LEAP_TABLE): UtcInstant {
  const at = table.steps.findLastIndex((step) => taiStartOf(step) <= taiNs);
  const step = table.steps[at];
  if (step === undefined) throw beforeTable(taiNs);
  const utcNs = taiNs - BigInt(step.taiMinusUtcSeconds) * NS_PER_SECOND;
  const next = table.steps[at + 1];
  // Until the next step begins in TAI, the old offset runs one second past it in UTC.
  const isLeapSecond = next !== undefined && utcNs >= BigInt(next.fromUnixSeconds) * NS_PER_SECOND;
  return { utcNs, isLeapSecond };
}

/**
 * `2026-11-22T08:30:00.000000001Z`; a leap second reads `:60`. @throws ProofError `time-malformed`
 */
export function formatTai(taiNs: bigint, table: LeapSeconds = LEAP_TABLE): string {
  const { utcNs, isLeapSecond } = utcOfTai(taiNs, table);
  // A leap second is written on the day that it ends, as the second after :59.
  const shownNs = isLeapSecond ? utcNs - NS_PER_SECOND : utcNs;
  const seconds = shownNs / NS_PER_SECOND;
  const fraction = (shownNs % NS_PER_SECOND).toString().padStart(9, '0');
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) {
    throw new ProofError('time-malformed', `time: ${taiNs} ns is beyond every calendar`);
  }
  const text = date.toISOString().slice(0, 19);
  return `${isLeapSecond ? `${text.slice(0, 17)}60` : text}.${fraction}Z`;
}

function taiStartOf(step: LeapStep): bigint {
  return BigInt(step.fromUnixSeconds + step.taiMinusUtcSeconds) * NS_PER_SECOND;
}

function unixSecondsOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / 1000;
}

function beforeTable(ns: bigint): ProofError {
  return new ProofError('time-malformed', `time: ${ns} ns is before 1972-01-01`);
}
