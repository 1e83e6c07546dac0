/** What the search index keeps of an entry: rows of its tables, from the entry alone. */
import {
  ACTION_KINDS,
  decodeEntry,
  decodeEnvelope,
  decodeStatement,
  leafHash,
  STATUSES,
  type Entry,
  type EntryOf,
} from '@kudurru/proof';
import type { SQLInputValue } from 'node:sqlite';

/** Values in the order of the columns of `table` (index-schema.ts). */
export interface IndexRow {
  readonly table: 'entry' | 'agent' | 'session' | 'statement' | 'anchor' | 'action';
  readonly values: readonly SQLInputValue[];
}

/**
 * @param agentOf the agent (index of its enrolment) of the session opened at an index
 * @throws ProofError where the bytes are no entry
 */
export function indexRows(
  index: bigint,
  bytes: Uint8Array,
  agentOf: (sessionIndex: bigint) => bigint,
): IndexRow[] {
  const entry = decodeEntry(bytes);
  const own: IndexRow = { table: 'entry', values: [index, entry.kind, entry.time.taiNs] };
  const special = specialRow(index, entry, { bytes, agentOf });
  return special === null ? [own] : [own, special];
}

interface RowSource {
  readonly bytes: Uint8Array;
  readonly agentOf: (sessionIndex: bigint) => bigint;
}

function specialRow(index: bigint, entry: Entry, source: RowSource): IndexRow | null {
  switch (entry.kind) {
    case 'agent.enrol':
      return { table: 'agent', values: [index, entry.agentId] };
    case 'session.open':
      return {
        table: 'session',
        values: [index, leafHash(source.bytes), entry.agentIndex, entry.sessionNumber],
      };
    case 'statement': {
      const { content } = decodeStatement(entry.statement);
      return {
        table: 'statement',
        values: [index, entry.sessionIndex, content.firstSequence, content.actionCount],
      };
    }
    case 'anchor':
    case 'counter-anchor':
      return { table: 'anchor', values: [index, entry.size, entry.counterExpected] };
    case 'action':
      return actionRow(index, entry, source.agentOf(entry.sessionIndex));
    default:
      return null;
  }
}

function actionRow(index: bigint, entry: EntryOf<'action'>, agent: bigint): IndexRow {
  const envelope = decodeEnvelope(entry.envelope);
  const { status } = envelope;
  return {
    table: 'action',
    values: [
      index,
      entry.time.taiNs,
      agent,
      entry.sessionIndex,
      entry.sequence,
      ACTION_KINDS.indexOf(envelope.kind) + 1,
      envelope.operation,
      envelope.tool?.name ?? null,
      status === undefined ? null : STATUSES.indexOf(status) + 1,
      envelope.traceId ?? null,
      envelope.externalId?.id ?? null,
      envelope.intent?.session ?? null,
      envelope.intent?.sequence ?? null,
    ],
  };
}
