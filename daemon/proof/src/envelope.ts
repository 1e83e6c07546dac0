/**
 * Envelopes (SPEC.md §4): the public fields of one action and its commitments, as an agent signs
 * them. The table below is the schema: number, name, codec, and the kinds a field belongs to.
 */
import { encodeCbor, decodeCbor } from './cbor.ts';
import type { CborKey, CborValue } from './cbor.ts';
import { envelopeCommitments } from './commitment.ts';
import { reference } from './identifier.ts';
import { ProofError } from './proof-error.ts';
import type { Codec, CodecType, Json, JsonObject } from './schema.ts';
import {
  bytes,
  constant,
  h32,
  list,
  names,
  nanoseconds,
  nullable,
  Place,
  record,
  refine,
  requireMap,
  requireMembers,
  text,
  uint,
} from './schema.ts';

export const ENVELOPE_SIZE_BYTES_MAX = 16_384;
const DEADLINE_MS_MAX = 2_592_000_000;
const PARENTS_MAX = 16;

export const ACTION_KINDS = ['intent', 'outcome', 'observation'] as const;
export const ACTION_TYPES = [
  'tool-call',
  'tool-response',
  'decision',
  'delegation',
  'escalation',
  'error',
  'lifecycle',
  'interaction',
  'authorization-transition',
] as const;
export const SIDE_EFFECTS = [
  'unknown',
  'none',
  'read',
  'create',
  'update',
  'delete',
  'execute',
  'communicate',
  'transfer',
  'configure',
] as const;
export const REVERSIBILITIES = ['unknown', 'reversible', 'compensable', 'irreversible'] as const;
export const STATUSES = [
  'success',
  'failure',
  'timeout',
  'denied',
  'escalated',
  'unknown',
] as const;
/** From the weakest to the strongest. */
export const COVERAGES = ['self-reported', 'mediated', 'enforced'] as const;
export const OBSERVERS = ['agent', 'bridge', 'target-signed'] as const;
export const EXTERNAL_ID_SCHEMES = ['json-rpc', 'tool-use', 'other'] as const;

export type ActionKind = (typeof ACTION_KINDS)[number];
export type Coverage = (typeof COVERAGES)[number];

type Use = 'required' | 'optional' | 'forbidden';
interface Field<T> {
  readonly key: number;
  readonly codec: Codec<T>;
  /** By kind: intent, outcome, observation. */
  readonly use: Readonly<Record<ActionKind, Use>>;
}

const always = use('required', 'required', 'required');
const anywhere = use('optional', 'optional', 'optional');
const afterwards = use('forbidden', 'optional', 'optional');
const resultOf = use('forbidden', 'required', 'optional');

const FIELDS = {
  version: field(1, constant(1), always),
  kind: field(2, names(1, ACTION_KINDS), always),
  actionType: field(3, names(1, ACTION_TYPES), always),
  operation: field(4, text(1, 256), always),
  tool: field(5, toolCodec(), anywhere),
  targetType: field(6, text(1, 64), anywhere),
  sideEffect: field(7, names(0, SIDE_EFFECTS), anywhere),
  reversibility: field(8, names(0, REVERSIBILITIES), anywhere),
  intent: field(9, reference, use('forbidden', 'required', 'forbidden')),
  deadlineMs: field(10, uint(1, DEADLINE_MS_MAX), use('optional', 'forbidden', 'forbidden')),
  status: field(11, names(1, STATUSES), resultOf),
  parents: field(12, list(reference, 1, PARENTS_MAX), anywhere),
  traceId: field(13, nonZero(16), anywhere),
  spanId: field(14, nonZero(8), anywhere),
  externalId: field(15, externalIdCodec(), anywhere),
  coverage: field(16, names(1, COVERAGES), always),
  model: field(17, modelCodec(), anywhere),
  rulesBelieved: field(18, h32, anywhere),
  erasureScope: field(19, erasureScopeCodec(), anywhere),
  commitments: field(20, envelopeCommitments, always),
  agentVersion: field(21, text(1, 128), anywhere),
  observedBy: field(22, names(1, OBSERVERS), resultOf),
  errorType: field(23, text(1, 128), afterwards),
  dataClass: field(24, text(1, 64), anywhere),
  retryOf: field(25, reference, anywhere),
  conversationId: field(26, text(1, 256), anywhere),
  durationNs: field(27, nanoseconds, afterwards),
};

type FieldName = keyof typeof FIELDS;
type FieldType<N extends FieldName> = CodecType<(typeof FIELDS)[N]['codec']>;
type RequiredName = 'version' | 'kind' | 'actionType' | 'operation' | 'coverage' | 'commitments';

/** One action's public fields. Which of the optional ones may stand depends on `kind`. */
export type Envelope = { readonly [N in RequiredName]: FieldType<N> } & {
  readonly [N in Exclude<FieldName, RequiredName>]?: FieldType<N>;
};

const ENTRIES = Object.entries(FIELDS) as unknown as readonly [FieldName, Field<unknown>][];
const BY_KEY = new Map<CborKey, FieldName>(ENTRIES.map(([name, { key }]) => [key, name]));
const place = new Place('envelope-invalid', 'envelope');

/** @throws ProofError `envelope-invalid` naming the field, `cbor-malformed`, `limit-exceeded` */
export function decodeEnvelope(encoded: Uint8Array): Envelope {
  requireSize(encoded);
  const map = requireMap(decodeCbor(encoded), place);
  const members: [string, unknown][] = [];
  for (const [key, value] of map) {
    const name = BY_KEY.get(key);
    if (name === undefined) throw place.error(`unknown field ${String(key)}`);
    members.push([name, FIELDS[name].codec.fromCbor(value, place.at(name))]);
  }
  return requireUses(Object.fromEntries(members));
}

/** @throws ProofError `envelope-invalid` naming the field, `limit-exceeded` */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const map = new Map<CborKey, CborValue>();
  for (const [name, { key, codec }] of ENTRIES) {
    const value = envelope[name];
    if (value !== undefined) map.set(key, codec.toCbor(value));
  }
  const encoded = encodeCbor(map);
  decodeEnvelope(encoded);
  return encoded;
}

/** The view for people; it is never signed. */
export function envelopeToJson(envelope: Envelope): JsonObject {
  const members = ENTRIES.filter(([name]) => envelope[name] !== undefined);
  return Object.fromEntries(
    members.map(([name, { codec }]) => [name, codec.toJson(envelope[name])]),
  );
}

/** The envelope of its JSON view. @throws ProofError `envelope-invalid` naming the field */
export function envelopeFromJson(json: Json): Envelope {
  const object = requireMembers(json, FIELDS, place);
  const members = Object.entries(object).map(([name, value]) => {
    const { codec } = FIELDS[name as FieldName] as Field<unknown>;
    return [name, codec.fromJson(value, place.at(name))] as const;
  });
  const envelope = requireUses(Object.fromEntries(members));
  encodeEnvelope(envelope);
  return envelope;
}

function requireUses(members: Readonly<Record<string, unknown>>): Envelope {
  const kind = members['kind'] as ActionKind | undefined;
  if (kind === undefined) throw place.at('kind').error('is missing');
  for (const [name, { use: uses }] of ENTRIES) {
    const isPresent = members[name] !== undefined;
    if (!isPresent && uses[kind] === 'required') {
      throw place.at(name).error(`is missing; it is required of an ${kind}`);
    }
    if (isPresent && uses[kind] === 'forbidden') {
      throw place.at(name).error(`does not belong to an ${kind}`);
    }
  }
  if (members['spanId'] !== undefined && members['traceId'] === undefined) {
    throw place.at('spanId').error('stands without traceId');
  }
  return members as Envelope;
}

function requireSize(encoded: Uint8Array): void {
  if (encoded.length <= ENVELOPE_SIZE_BYTES_MAX) return;
  throw new ProofError('limit-exceeded', `envelope: longer than ${ENVELOPE_SIZE_BYTES_MAX} bytes`);
}

function field<T>(key: number, codec: Codec<T>, uses: Field<T>['use']): Field<T> {
  return { key, codec, use: uses };
}

function use(intent: Use, outcome: Use, observation: Use): Readonly<Record<ActionKind, Use>> {
  return { intent, outcome, observation };
}

function nonZero(length: number): Codec<Uint8Array> {
  return refine(bytes(length, length), (value) =>
    value.every((byte) => byte === 0) ? 'is all zero' : null,
  );
}

function toolCodec() {
  return record({
    name: text(1, 256),
    server: nullable(text(1, 256)),
    schemaDigest: nullable(h32),
    protocolVersion: nullable(text(1, 64)),
  });
}

function externalIdCodec() {
  return record({ scheme: names(1, EXTERNAL_ID_SCHEMES), id: text(1, 256) });
}

function modelCodec() {
  return record({
    provider: text(1, 128),
    name: text(1, 128),
    version: nullable(text(1, 128)),
    weightsDigest: nullable(h32),
  });
}

function erasureScopeCodec(): Codec<string> {
  return refine(text(1, 64, /^[a-z0-9._:-]+$/), (scope) =>
    scope === 'system' ? "'system' is the scope of system entries" : null,
  );
}
