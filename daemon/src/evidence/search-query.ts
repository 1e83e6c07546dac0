/**
 * A search as it is asked for: strict, every name and form known or refused with
 * `request-malformed`. All conditions must hold; what is not given does not restrict.
 */
import { searchHitsDefault, searchHitsMax } from '../base/limits.ts';
import { hexOf, integerOf, memberOf, takeAll, timeOf } from './query-fields.ts';

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
  const given = takeAll(query, NAMES);
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
