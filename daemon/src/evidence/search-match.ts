/**
 * Whether an action is what was searched for, by the ledger's own entries: the index finds it, and
 * is not believed. The conditions are those of search-query.ts, each by its own reading here.
 */
import {
  ACTION_KINDS,
  decodeEnvelope,
  equalBytes,
  STATUSES,
  type EntryOf,
  type Envelope,
} from '@kudurru/proof';

import type { SearchQuery } from './search-query.ts';

/** An action and who made it, as read from the ledger. */
export interface FoundAction {
  readonly index: bigint;
  readonly entry: EntryOf<'action'>;
  /** Leaf hash of its session's entry. */
  readonly sessionId: Uint8Array;
  readonly agentId: string;
}

export function matchesQuery(found: FoundAction, query: SearchQuery): boolean {
  const { index, entry } = found;
  const { taiNs } = entry.time;
  return (
    isWanted(query.agentId, found.agentId) &&
    areWanted(query.session, found.sessionId) &&
    matchesEnvelope(decodeEnvelope(entry.envelope), query) &&
    (query.sinceTaiNs === null || taiNs >= query.sinceTaiNs) &&
    (query.untilTaiNs === null || taiNs < query.untilTaiNs) &&
    (query.before === null || index < query.before)
  );
}

function matchesEnvelope(envelope: Envelope, query: SearchQuery): boolean {
  const { kind, status, operation, tool, traceId, externalId } = envelope;
  return (
    isWanted(query.kind, ACTION_KINDS.indexOf(kind) + 1) &&
    isWanted(query.status, status === undefined ? 0 : STATUSES.indexOf(status) + 1) &&
    isWanted(query.operation, operation) &&
    isWanted(query.tool, tool?.name) &&
    isWanted(query.externalId, externalId?.id) &&
    areWanted(query.trace, traceId)
  );
}

/** A condition that is not given holds. */
function isWanted<Value>(wanted: Value | null, found: Value | undefined): boolean {
  return wanted === null || wanted === found;
}

function areWanted(wanted: Uint8Array | null, found: Uint8Array | undefined): boolean {
  return wanted === null || (found !== undefined && equalBytes(wanted, found));
}
