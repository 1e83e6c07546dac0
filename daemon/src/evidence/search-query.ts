/**
 * A search as it is asked for: strict, every name and form known or refused with
 * `request-malformed`. All conditions must hold; what is not given does not restrict.
 */
import { decodeHex, taiOfUtc } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { searchHitsDefault, searchHitsMax } from '../base/limits.ts';

export interface SearchQuery {
  readonly agentId: string | null;
  /** Session id, 32 bytes. */
  readonly session: Uint8Array | null;
  /** Envelope kind (SPEC.md §4, key 2). */
  readonly kind: number | null;
  readonly operation: string | null;
  readonly tool: string | null;
  /** Outcome's status (SPEC.md §4, key 11). */
  readonly status: number | null;
  /** W3C trace id, 16 bytes. */
  readonly trace: Uint8Array | null;
  readonly externalId: string | null;
  readonly sinceTaiNs: bigint | null;
  readonly untilTaiNs: bigint | null;
  /** Only entries below this index: the next page. */
  readonly before: number | null;
  readonly limit: number;
}

/** Before it there is no TAI-UTC to count with. */
const LEAP_TABLE_BEGINS_MS = Date.UTC(1972, 0, 1);

const KINDS = ['intent', 'outcome', 'observation'];
const STATUSES = ['success', 'failure', 'timeout', 'denied', 'escalated', 'unknown'];
const NAMES = [
  'agent',
  'session',
  'kind',
  'operation',
  'tool',
  'status',
  'trace',
  'externalId',
  'since',
  'until',
  'before',
  'limit',
];

/** @param agentIdOf makes an agent id of a bare name. @throws KudurruError `request-malformed` */
export function parseSearchQuery(
  query: URLSearchParams,
  agentIdOf: (name: string) => string,
): SearchQuery {
  const given = takeAll(query);
  const text = (name: string): string | null => given.get(name) ?? null;
  const agent = text('agent');
  return {
    agentId: agent === null || agent.startsWith('spiffe://') ? agent : agentIdOf(agent),
    session: hexOf('session', text('session'), 32),
    kind: memberOf('kind', text('kind'), KINDS),
    operation: text('operation'),
    tool: text('tool'),
    status: memberOf('status', text('status'), STATUSES),
    trace: hexOf('trace', text('trace'), 16),
    externalId: text('externalId'),
    sinceTaiNs: timeOf('since', text('since')),
    untilTaiNs: timeOf('until', text('until')),
    before: integerOf('before', text('before'), Number.MAX_SAFE_INTEGER),
    limit: integerOf('limit', text('limit'), searchHitsMax) ?? searchHitsDefault,
  };
}

function takeAll(query: URLSearchParams): Map<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    if (!NAMES.includes(name)) {
      throw malformed(`"${name}" is not a search condition; there are ${NAMES.join(', ')}`);
    }
    if (given.has(name)) throw malformed(`"${name}" is given twice`);
    if (value === '') throw malformed(`"${name}" is empty`);
    given.set(name, value);
  }
  return given;
}

function memberOf(name: string, value: string | null, members: readonly string[]): number | null {
  if (value === null) return null;
  const place = members.indexOf(value);
  if (place < 0) throw malformed(`"${name}" is "${value}"; there are ${members.join(', ')}`);
  return place + 1;
}

function hexOf(name: string, value: string | null, sizeBytes: number): Uint8Array | null {
  if (value === null) return null;
  if (!/^[0-9a-f]*$/u.test(value) || value.length !== 2 * sizeBytes) {
    throw malformed(`"${name}" is not ${2 * sizeBytes} lower-case hexadecimal digits`);
  }
  return decodeHex(value);
}

function integerOf(name: string, value: string | null, max: number): number | null {
  if (value === null) return null;
  const number = /^(?:0|[1-9]\d{0,15})$/u.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number <= max) return number;
  throw malformed(`"${name}" is "${value}", not a whole number from 0 to ${max}`);
}

/** UTC in ISO 8601 with a `Z`, to the millisecond. */
function timeOf(name: string, value: string | null): bigint | null {
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
