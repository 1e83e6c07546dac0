/**
 * Which entries an entry refers to, by index, and of which kind the referred one must be (SPEC.md
 * §7, §11). Builder and verifier share this list, so that a bundle holds exactly what is needed.
 */
import type { Entry, EntryKind } from './entry.ts';
import { decodeAnyTimeEvidence } from './time-evidence.ts';

/** One reference of an entry. */
export interface EntryReference {
  /** Name of the referring field. */
  readonly field: string;
  readonly index: bigint;
  /** Any of which the entry referred to must be. */
  readonly kinds: readonly EntryKind[];
}

/** Where time evidence stands. */
export const EVIDENCE_KINDS: readonly EntryKind[] = ['time-evidence', 'anchor', 'counter-anchor'];
/**
 * Kinds whose own time is no part of what another entry rests on: the evidence in it says when it
 * was, or operators. Else each piece of evidence would need the one before it, to the first.
 */
const TIMED_BY_THEMSELVES: readonly EntryKind[] = [...EVIDENCE_KINDS, 'time.profile'];

const PROFILE_KINDS: readonly EntryKind[] = ['time.profile'];

/**
 * The references that a reader must follow to understand `entry` (SPEC.md §11). An action's
 * statement is not among them: it is found by session and sequence. An anchor's predecessor is not:
 * it is needed only when it is the last anchor before the subject.
 */
export function referencesOf(entry: Entry, isSubject = false): EntryReference[] {
  const { bootIndex } = entry.time;
  const references: EntryReference[] = [{ field: 'bootIndex', index: bootIndex, kinds: ['boot'] }];
  const timeEvidenceIndex = followedTimeEvidenceOf(entry, isSubject);
  if (timeEvidenceIndex !== null) {
    references.push({
      field: 'timeEvidenceIndex',
      index: timeEvidenceIndex,
      kinds: EVIDENCE_KINDS,
    });
  }
  switch (entry.kind) {
    case 'session.open':
      references.push({ field: 'agentIndex', index: entry.agentIndex, kinds: ['agent.enrol'] });
      break;
    case 'session.close':
    case 'statement':
    case 'action':
      references.push({
        field: 'sessionIndex',
        index: entry.sessionIndex,
        kinds: ['session.open'],
      });
      break;
    default:
  }
  return references;
}

/** The evidence that the time of `entry` rests on, where a bundle needs it; null where not. */
export function followedTimeEvidenceOf(entry: Entry, isSubject: boolean): bigint | null {
  if (!isSubject && TIMED_BY_THEMSELVES.includes(entry.kind)) return null;
  return entry.time.timeEvidenceIndex;
}

/** The reference of evidence to evidence whose own needs a bundle has to meet too. */
export const BASE_REFERENCE = 'baseEvidenceIndex';

/**
 * What the time evidence in `entry` rests on, where a time in the bundle rests on it: its profile,
 * the evidence whose clock goes on, and the one before it, of which what it states is enough. Empty
 * for entries without evidence of version 2.
 * @throws ProofError `entry-invalid`, `cbor-malformed`
 */
export function evidenceReferencesOf(entry: Entry): EntryReference[] {
  if (!('evidence' in entry)) return [];
  const evidence = decodeAnyTimeEvidence(entry.evidence);
  if (evidence.version === 1) return [];
  const { profileIndex, baseEvidenceIndex, priorEvidenceIndex } = evidence;
  const references = [{ field: 'profileIndex', index: profileIndex, kinds: PROFILE_KINDS }];
  for (const [field, index] of [
    [BASE_REFERENCE, baseEvidenceIndex],
    ['priorEvidenceIndex', priorEvidenceIndex],
  ] as const) {
    if (index !== null) references.push({ field, index, kinds: EVIDENCE_KINDS });
  }
  return references;
}
