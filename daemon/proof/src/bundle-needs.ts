/**
 * Which entries an entry refers to, by index, and of which kind the referred one must be (SPEC.md
 * §7, §11). Builder and verifier share this list, so that a bundle holds exactly what is needed.
 */
import type { Entry, EntryKind } from './entry.ts';

/** One reference of an entry. */
export interface EntryReference {
  /** Name of the referring field. */
  readonly field: string;
  readonly index: bigint;
  readonly kind: EntryKind;
}

/**
 * The references that a reader must follow to understand `entry` (SPEC.md §11). An action's
 * statement is not among them: it is found by session and sequence. An anchor's predecessor is not:
 * it is needed only when it is the last anchor before the subject.
 */
export function referencesOf(entry: Entry): EntryReference[] {
  const { bootIndex, timeEvidenceIndex } = entry.time;
  const references: EntryReference[] = [{ field: 'bootIndex', index: bootIndex, kind: 'boot' }];
  if (timeEvidenceIndex !== null) {
    references.push({
      field: 'timeEvidenceIndex',
      index: timeEvidenceIndex,
      kind: 'time-evidence',
    });
  }
  switch (entry.kind) {
    case 'session.open':
      references.push({ field: 'agentIndex', index: entry.agentIndex, kind: 'agent.enrol' });
      break;
    case 'session.close':
    case 'statement':
    case 'action':
      references.push({ field: 'sessionIndex', index: entry.sessionIndex, kind: 'session.open' });
      break;
    default:
  }
  return references;
}
