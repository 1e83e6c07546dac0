/**
 * Members of a query, each strict: what is not of its form is refused with `request-malformed`;
 * what is not given is null.
 */
import { decodeHex, taiOfUtc } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

/** Before it there is no TAI-UTC to count with. */
const LEAP_TABLE_BEGINS_MS = Date.UTC(1972, 0, 1);

/** @throws KudurruError `request-malformed` of a name that is not among `names`, or given twice */
export function takeAll(
  query: URLSearchParams,
  names: readonly string[],
): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    if (!names.includes(name)) {
      throw malformed(`"${name}" is not a search condition; there are ${names.join(', ')}`);
    }
    if (given.has(name)) throw malformed(`"${name}" is given twice`);
    if (value === '') throw malformed(`"${name}" is empty`);
    given.set(name, value);
  }
  return given;
}

/** Its place, counted from 1. */
export function memberOf(
  name: string,
  value: string | null,
  members: readonly string[],
): number | null {
  if (value === null) return null;
  const place = members.indexOf(value);
  if (place < 0) throw malformed(`"${name}" is "${value}"; there are ${members.join(', ')}`);
  return place + 1;
}

export function hexOf(name: string, value: string | null, sizeBytes: number): Uint8Array | null {
  if (value === null) return null;
  if (!/^[0-9a-f]*$/u.test(value) || value.length !== 2 * sizeBytes) {
    throw malformed(`"${name}" is not ${2 * sizeBytes} lower-case hexadecimal digits`);
  }
  return decodeHex(value);
}

export function integerOf(name: string, value: string | null, max: number): number | null {
  if (value === null) return null;
  const number = /^(?:0|[1-9]\d{0,15})$/u.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number <= max) return number;
  throw malformed(`"${name}" is "${value}", not a whole number from 0 to ${max}`);
}

/** TAI of UTC in ISO 8601 with a `Z`, to the millisecond. */
export function timeOf(name: string, value: string | null): bigint | null {
  if (value === null) return null;
  const iso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z)?$/u;
  const unixMs = iso.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(unixMs) || unixMs < LEAP_TABLE_BEGINS_MS) {
    throw malformed(
      `"${name}" is "${value}", not a UTC time from 1972 on, such as 2026-01-31T12:00:00Z`,
    );
  }
  return taiOfUtc(BigInt(unixMs) * 1_000_000n);
}

function malformed(why: string): KudurruError {
  return new KudurruError('request-malformed', `search not accepted: ${why}`);
}
