/**
 * Entries (SPEC.md §7): the leaves of the tree. `[1, kind, previousLeafHash, time, appliance,
 * fields…]`, at most 65,535 bytes; what decodes encodes back to the same bytes.
 */
import { decodeCbor, encodeCbor, isCborArray } from './cbor.ts';
import type { CborArray, CborValue } from './cbor.ts';
import { ENTRY_KINDS, ENTRY_SIZE_BYTES_MAX, entryTime } from './entry-fields.ts';
import { decodeEnvelope, envelopeToJson } from './envelope.ts';
import { ProofError } from './proof-error.ts';
import type { Codec, CodecType, JsonObject } from './schema.ts';
import { constant, describe, h32, Place, uint } from './schema.ts';
import { INDEX_MAX } from './schema.ts';

export type EntryKind = keyof typeof ENTRY_KINDS;
export type EntryTime = CodecType<typeof entryTime>;

/** What every entry begins with. */
export interface EntryHead {
  /** Leaf hash of the entry before; 32 zero bytes at index 0. */
  readonly previousLeafHash: Uint8Array;
  readonly time: EntryTime;
  /** Number of the appliance that made the entry. */
  readonly appliance: number;
}

/** An entry of one kind. */
export type EntryOf<K extends EntryKind> = EntryHead & {
  readonly kind: K;
} & CodecType<(typeof ENTRY_KINDS)[K]['fields']>;

/** Any entry, told apart by `kind`. */
export type Entry = { [K in EntryKind]: EntryOf<K> }[EntryKind];

/** Either kind of anchor entry. */
export type AnchorEntry = EntryOf<'anchor'> | EntryOf<'counter-anchor'>;

const HEAD_LENGTH = 5;
const version = constant(1);
const appliance = uint(0, INDEX_MAX);
const KIND_NAMES = new Map<CborValue, EntryKind>(
  Object.entries(ENTRY_KINDS).map(([name, { number }]) => [number, name as EntryKind]),
);

/** @throws ProofError `entry-invalid` naming the field, `cbor-malformed`, `limit-exceeded` */
export function decodeEntry(bytes: Uint8Array): Entry {
  requireSize(bytes);
  const place = new Place('entry-invalid', 'entry');
  const items = decodeCbor(bytes);
  if (!isCborArray(items) || items.length < HEAD_LENGTH) throw place.error('is not an array');
  const [versionItem = null, kindItem = null] = items;
  version.fromCbor(versionItem, place.at('version'));
  const kind = KIND_NAMES.get(kindItem);
  if (kind === undefined) throw place.at('kind').error(`unknown kind ${describe(kindItem)}`);
  return decodeItems(items, kind);
}

/** @throws ProofError `entry-invalid` naming the field, `limit-exceeded` */
export function encodeEntry(entry: Entry): Uint8Array {
  const { number, fields } = ENTRY_KINDS[entry.kind];
  const bytes = encodeCbor([
    version.toCbor(1),
    number,
    h32.toCbor(entry.previousLeafHash),
    entryTime.toCbor(entry.time),
    appliance.toCbor(entry.appliance),
    ...((fields as Codec<unknown>).toCbor(entry) as CborArray),
  ]);
  decodeEntry(bytes);
  return bytes;
}

/** The view of an entry for people; an action's envelope is shown decoded. */
export function entryToJson(entry: Entry): JsonObject {
  const fields = (ENTRY_KINDS[entry.kind].fields as Codec<unknown>).toJson(entry) as JsonObject;
  const view: JsonObject = {
    kind: entry.kind,
    previousLeafHash: h32.toJson(entry.previousLeafHash),
    time: entryTime.toJson(entry.time),
    appliance: entry.appliance,
    ...fields,
  };
  if (entry.kind !== 'action') return view;
  return { ...view, envelope: envelopeToJson(decodeEnvelope(entry.envelope)) };
}

/** Whether `entry` is an anchor of either kind. */
export function isAnchorEntry(entry: Entry): entry is AnchorEntry {
  return entry.kind === 'anchor' || entry.kind === 'counter-anchor';
}

function decodeItems(items: CborArray, kind: EntryKind): Entry {
  const place = new Place('entry-invalid', kind);
  const [, , previousLeafHash = null, time = null, applianceItem = null, ...rest] = items;
  const fields = (ENTRY_KINDS[kind].fields as Codec<object>).fromCbor(rest, place);
  return {
    kind,
    previousLeafHash: h32.fromCbor(previousLeafHash, place.at('previousLeafHash')),
    time: entryTime.fromCbor(time, place.at('time')),
    appliance: appliance.fromCbor(applianceItem, place.at('appliance')),
    ...fields,
  } as Entry;
}

function requireSize(bytes: Uint8Array): void {
  if (bytes.length <= ENTRY_SIZE_BYTES_MAX) return;
  throw new ProofError('limit-exceeded', `entry: longer than ${ENTRY_SIZE_BYTES_MAX} bytes`);
}
