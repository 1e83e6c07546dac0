/**
 * Entries that the daemon itself makes, as the native ledger takes them: the encoded fields of a
 * kind, and the private bodies they commit to. Chain, time and appliance are added where the entry
 * gets its place.
 */
import { randomBytes } from 'node:crypto';

import {
  commitmentFieldNumber,
  decodeCbor,
  encodeCbor,
  encodeEntry,
  makeCommitment,
  ZERO_HASH,
  type CborArray,
  type Commitment,
  type Entry,
  type EntryHead,
  type EntryKind,
  type EntryOf,
  type SystemCommitmentField,
} from '@kudurru/proof';

export type SystemKind = Exclude<EntryKind, 'statement' | 'action'>;

/** The members of an entry of kind K that are its own. */
export type FieldsOf<K extends SystemKind> = Omit<
  EntryOf<K>,
  keyof EntryHead | 'kind' | 'commitments'
>;

/** Private bytes of a system entry; never empty. */
export interface SystemBody {
  readonly field: SystemCommitmentField;
  readonly bytes: Uint8Array;
  readonly mediaType: string | null;
}

export interface EncodedBody {
  readonly field: number;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
  readonly commitment: Commitment;
}

export interface SystemEntry {
  readonly kind: SystemKind;
  readonly number: number;
  /** CBOR array of the fields. */
  readonly fields: Uint8Array;
  readonly bodies: readonly EncodedBody[];
}

const saltSizeBytes = 32;
const kindsWithCommitments: ReadonlySet<SystemKind> = new Set([
  'boot',
  'time-evidence',
  'session.open',
  'agent.enrol',
  'anchor',
  'counter-anchor',
]);

/** A head of known size stands in for the one that the entry gets with its place. */
const headStandIn: EntryHead = {
  previousLeafHash: ZERO_HASH,
  time: {
    taiNs: 0n,
    monotonicRawNs: 0n,
    bootIndex: 0n,
    statisticalNs: null,
    adversarialNs: null,
    level: 'UNKNOWN',
    timeEvidenceIndex: null,
  },
  appliance: 0,
};
/** Items of an entry before its fields. */
const headItems = 5;

/** SPEC.md §7. */
const kindNumbers: Readonly<Record<SystemKind, number>> = {
  genesis: 0,
  boot: 1,
  'unclean-start': 2,
  'time-evidence': 3,
  'session.open': 4,
  'session.close': 5,
  'agent.enrol': 8,
  anchor: 18,
  'counter-anchor': 19,
  'refusal-summary': 20,
  stop: 22,
  restore: 26,
  alarm: 27,
  'time.profile': 28,
};

export function kindNumber(kind: SystemKind): number {
  return kindNumbers[kind];
}

/** @throws ProofError `entry-invalid` where a field is not of its form */
export function systemEntry<K extends SystemKind>(
  kind: K,
  fields: FieldsOf<K>,
  bodies: readonly SystemBody[] = [],
): SystemEntry {
  const opened = bodies.map(({ field, bytes, mediaType }) => {
    const opening = { field, bytes, salt: new Uint8Array(randomBytes(saltSizeBytes)) };
    const commitment = makeCommitment(opening, { mediaType, deposited: true });
    return { field: commitmentFieldNumber(field), salt: opening.salt, bytes, commitment };
  });
  const commitments: readonly Commitment[] = opened.map(({ commitment }) => commitment);
  const own = kindsWithCommitments.has(kind) ? { ...fields, commitments } : fields;
  const entry = { kind, ...headStandIn, ...own } as unknown as Entry;
  // Encoded as a whole first: that is what checks every field.
  const items = decodeCbor(encodeEntry(entry)) as CborArray;
  const fieldItems = encodeCbor(items.slice(headItems));
  return { kind, number: kindNumber(kind), fields: fieldItems, bodies: opened };
}
