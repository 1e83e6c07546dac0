/**
 * The evidence bundle (SPEC.md §11) and the anchored receipt (§10): their outer form. Which entries
 * belong into a bundle is `bundle-needs.ts`; whether any of it is true is `verify/`.
 */
import { BODY_SIZE_BYTES_MAX, commitmentField, saltCodec } from './commitment.ts';
import { ENTRY_SIZE_BYTES_MAX } from './entry-fields.ts';
import { PROOF_HASHES_MAX } from './merkle.ts';
import { NOTE_SIZE_BYTES_MAX } from './note.ts';
import { ProofError } from './proof-error.ts';
import type { Codec, ShapeType } from './schema.ts';
import {
  bytes,
  constant,
  decodeWith,
  encodeWith,
  h32,
  index,
  list,
  nullable,
  Place,
  record,
  refine,
} from './schema.ts';
import { commitmentFieldNumber } from './commitment.ts';

/** Room for every entry of a bundle at its longest and as many disclosed bodies. */
export const BUNDLE_SIZE_BYTES_MAX = 32 * 1024 * 1024;
/** Entries beside the subject; a subject needs about a dozen. */
export const BUNDLE_ENTRIES_MAX = 256;
const DISCLOSURES_MAX = 256;
const AGENT_HEAD_SIZE_BYTES_MAX = 512;

const entryBytes = bytes(1, ENTRY_SIZE_BYTES_MAX);
const path = list(h32, 0, PROOF_HASHES_MAX + 1);
const located = record({ index, entry: entryBytes, path });
const locatedPath = record({ index, path });
const disclosure = record({
  index,
  field: commitmentField,
  salt: saltCodec,
  bytes: bytes(1, BODY_SIZE_BYTES_MAX),
});

const shape = {
  version: constant(1),
  /** C2SP tlog-proof of the subject. */
  proof: bytes(1, NOTE_SIZE_BYTES_MAX),
  /** The subject. */
  entry: entryBytes,
  /** What the subject needs, ascending by index, all under the proof's checkpoint. */
  others: refine(list(located, 0, BUNDLE_ENTRIES_MAX), (entries) =>
    isAscending(entries.map((entry) => entry.index)) ? null : 'is not ascending by index',
  ),
  /** From the covering anchor's size to the checkpoint's; empty without an anchor. */
  consistency: path,
  /** Inclusion of each action's envelope in its statement's root. */
  envelopePaths: list(locatedPath, 0, BUNDLE_ENTRIES_MAX + 1),
  /** Opened commitments, ascending by index and field. */
  disclosures: refine(list(disclosure, 0, DISCLOSURES_MAX), (opened) =>
    isAscending(opened.map((o) => o.index * 256n + BigInt(commitmentFieldNumber(o.field))))
      ? null
      : 'is not ascending by index and field',
  ),
  /** The agent's leaf under the covering anchor's agentHeadsRoot. */
  agentHead: nullable(
    record({
      leaf: bytes(1, AGENT_HEAD_SIZE_BYTES_MAX),
      leafIndex: index,
      leafCount: index,
      path,
    }),
  ),
};

export type Bundle = ShapeType<typeof shape>;
export type LocatedEntry = Bundle['others'][number];
export type Disclosure = Bundle['disclosures'][number];

const bundle: Codec<Bundle> = record(shape);
const bundlePlace = new Place('bundle-invalid', 'bundle');

const receiptShape = {
  checkpoint: bytes(1, NOTE_SIZE_BYTES_MAX),
  anchor: located,
  statement: located,
  consistency: path,
};

/** An anchored receipt: by itself evidence against a ledger that later tells another history. */
export type AnchoredReceipt = ShapeType<typeof receiptShape>;

const receipt: Codec<AnchoredReceipt> = record(receiptShape);
const receiptPlace = new Place('bundle-invalid', 'anchored receipt');

/** @throws ProofError `bundle-invalid` naming the element, `cbor-malformed`, `limit-exceeded` */
export function decodeBundle(encoded: Uint8Array): Bundle {
  requireSize(encoded);
  return decodeWith(bundle, encoded, bundlePlace);
}

/** @throws ProofError `bundle-invalid`, `limit-exceeded` */
export function encodeBundle(value: Bundle): Uint8Array {
  const encoded = encodeWith(bundle, value, bundlePlace);
  requireSize(encoded);
  return encoded;
}

/** @throws ProofError `bundle-invalid`, `cbor-malformed`, `limit-exceeded` */
export function decodeAnchoredReceipt(encoded: Uint8Array): AnchoredReceipt {
  requireSize(encoded);
  return decodeWith(receipt, encoded, receiptPlace);
}

/** @throws ProofError `bundle-invalid` */
export function encodeAnchoredReceipt(value: AnchoredReceipt): Uint8Array {
  return encodeWith(receipt, value, receiptPlace);
}

function isAscending(numbers: readonly bigint[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? number));
}

function requireSize(encoded: Uint8Array): void {
  if (encoded.length <= BUNDLE_SIZE_BYTES_MAX) return;
  throw new ProofError('limit-exceeded', `bundle: longer than ${BUNDLE_SIZE_BYTES_MAX} bytes`);
}
