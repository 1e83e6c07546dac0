/**
 * Codecs: one description of a field gives its CBOR form, its range, its JSON view and its
 * messages. Decoding is strict and names the field; encoding is unchecked, so encoders decode what
 * they made.
 */
import { decodeHex, encodeHex, encodeUtf8 } from './bytes.ts';
import type { CborKey, CborValue } from './cbor.ts';
import { decodeCbor, encodeCbor, isCborArray, isCborMap } from './cbor.ts';
import type { ProofErrorCode } from './proof-error.ts';
import { ProofError } from './proof-error.ts';
import { HASH_SIZE_BYTES } from './sha256.ts';

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Largest index, size or count of the formats. */
export const INDEX_MAX = Number.MAX_SAFE_INTEGER;
/** Largest time in nanoseconds. */
export const NS_MAX = 2n ** 63n - 1n;
// Control characters are refused in all text.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/** Where in which structure a value stands, and the code of an error found there. */
export class Place {
  readonly code: ProofErrorCode;
  readonly path: string;

  constructor(code: ProofErrorCode, path: string) {
    this.code = code;
    this.path = path;
  }

  at(name: string | number): Place {
    return new Place(this.code, `${this.path}.${name}`);
  }

  error(reason: string): ProofError {
    return new ProofError(this.code, `${this.path}: ${reason}`);
  }
}

export interface Codec<T> {
  fromCbor(value: CborValue, place: Place): T;
  toCbor(value: T): CborValue;
  toJson(value: T): Json;
  fromJson(json: Json, place: Place): T;
}

export type CodecType<C> = C extends Codec<infer T> ? T : never;
/** The object that `record(shape)` decodes to. */
export type ShapeType<S> = { readonly [K in keyof S]: CodecType<S[K]> };

/**
 * Decodes `bytes` as the item that `codec` describes. @throws ProofError `place.code`, or of CBOR
 */
export function decodeWith<T>(codec: Codec<T>, bytes: Uint8Array, place: Place): T {
  return codec.fromCbor(decodeCbor(bytes), place);
}

/**
 * Encodes `value` and refuses what would not decode. @throws ProofError `place.code`, or of CBOR
 */
export function encodeWith<T>(codec: Codec<T>, value: T, place: Place): Uint8Array {
  const encoded = encodeCbor(codec.toCbor(value));
  decodeWith(codec, encoded, place);
  return encoded;
}

/** An integer as `number`, for counts and small ranges; it is negative where `min` is. */
export function uint(min: number, max: number): Codec<number> {
  const check = (value: unknown, place: Place): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) {
      return value;
    }
    throw place.error(`expected an integer in ${min}..${max}, found ${describe(value)}`);
  };
  return { fromCbor: check, toCbor: (value) => value, toJson: (value) => value, fromJson: check };
}

/** A rate in parts of 10^9 as `bigint`, which may be negative; a number in JSON. */
export function rate(min: number, max: number): Codec<bigint> {
  const number = uint(min, max);
  return {
    fromCbor: (value, place) => BigInt(number.fromCbor(value, place)),
    toCbor: (value) => value,
    toJson: (value) => Number(value),
    fromJson: (json, place) => BigInt(number.fromJson(json, place)),
  };
}

/** Either of two; in JSON as it is. */
export const truth: Codec<boolean> = {
  fromCbor: requireTruth,
  toCbor: (value) => value,
  toJson: (value) => value,
  fromJson: requireTruth,
};

/** An index, size or sequence as `bigint`; a number in JSON. */
export const index: Codec<bigint> = {
  fromCbor: (value, place) => BigInt(uint(0, INDEX_MAX).fromCbor(value, place)),
  toCbor: (value) => value,
  toJson: (value) => Number(value),
  fromJson: (json, place) => BigInt(uint(0, INDEX_MAX).fromJson(json, place)),
};

/** Nanoseconds as `bigint`; a decimal string in JSON. */
export const nanoseconds: Codec<bigint> = {
  fromCbor(value, place) {
    const isInteger = typeof value === 'number' || typeof value === 'bigint';
    if (isInteger && value >= 0 && value <= NS_MAX) return BigInt(value);
    throw place.error(`expected nanoseconds in 0..2^63-1, found ${describe(value)}`);
  },
  toCbor: (value) => value,
  toJson: (value) => value.toString(),
  fromJson(json, place) {
    if (typeof json !== 'string' || !/^(?:0|[1-9][0-9]{0,18})$/.test(json)) {
      throw place.error('expected nanoseconds as a decimal string');
    }
    return nanoseconds.fromCbor(BigInt(json), place);
  },
};

/** Bytes of a length in min..max; hexadecimal in JSON. */
export function bytes(min: number, max: number): Codec<Uint8Array> {
  const range = min === max ? `${min}` : `${min}..${max}`;
  return {
    fromCbor(value, place) {
      if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value;
      throw place.error(`expected ${range} bytes, found ${describe(value)}`);
    },
    toCbor: (value) => value,
    toJson: encodeHex,
    fromJson(json, place) {
      if (typeof json !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(json)) {
        throw place.error(`expected ${range} bytes in lower-case hexadecimal`);
      }
      return this.fromCbor(decodeHex(json), place);
    },
  };
}

/** 32 bytes. */
export const h32 = bytes(HASH_SIZE_BYTES, HASH_SIZE_BYTES);

/** Text of min..max bytes of UTF-8 without control characters, of a form if one is given. */
export function text(min: number, max: number, form?: RegExp): Codec<string> {
  const check = (value: unknown, place: Place): string => {
    if (typeof value !== 'string') throw place.error(`expected text, found ${describe(value)}`);
    const length = value.isWellFormed() ? encodeUtf8(value).length : Infinity;
    if (length < min || length > max) {
      throw place.error(`expected text of ${min}..${max} bytes, found ${length}`);
    }
    if (CONTROL_CHARACTER.test(value)) throw place.error('text holds a control character');
    if (form !== undefined && !form.test(value)) {
      throw place.error(`'${value}' does not have the form ${form.source}`);
    }
    return value;
  };
  return { fromCbor: check, toCbor: (value) => value, toJson: (value) => value, fromJson: check };
}

/** A closed list of names; the number of `names[i]` is `first + i`. */
export function names<const N extends readonly string[]>(first: number, list: N): Codec<N[number]> {
  return {
    fromCbor(value, place) {
      const name = typeof value === 'number' ? list[value - first] : undefined;
      if (name !== undefined) return name;
      const range = `${first}..${first + list.length - 1}`;
      throw place.error(`expected ${range} (${list.join(', ')}), found ${describe(value)}`);
    },
    toCbor: (value) => first + list.indexOf(value),
    toJson: (value) => value,
    fromJson(json, place) {
      if (typeof json === 'string' && list.includes(json)) return json;
      throw place.error(`expected one of ${list.join(', ')}, found ${describe(json)}`);
    },
  };
}

/** One fixed number, such as a version. */
export function constant<const N extends number>(only: N): Codec<N> {
  const check = (value: unknown, place: Place): N => {
    if (value === only) return only;
    throw place.error(`expected ${only}, found ${describe(value)}`);
  };
  return { fromCbor: check, toCbor: () => only, toJson: () => only, fromJson: check };
}

/** A value or null. */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    fromCbor: (value, place) => (value === null ? null : codec.fromCbor(value, place)),
    toCbor: (value) => (value === null ? null : codec.toCbor(value)),
    toJson: (value) => (value === null ? null : codec.toJson(value)),
    fromJson: (json, place) => (json === null ? null : codec.fromJson(json, place)),
  };
}

/** Always null: a field that is reserved. */
export const nothing: Codec<null> = {
  fromCbor(value, place) {
    if (value === null) return null;
    throw place.error(`expected null, found ${describe(value)}`);
  },
  toCbor: () => null,
  toJson: () => null,
  fromJson(json, place) {
    return this.fromCbor(json === null ? null : 0, place);
  },
};

/** An array of min..max items of one kind. */
export function list<T>(codec: Codec<T>, min: number, max: number): Codec<readonly T[]> {
  const check = (items: readonly unknown[], place: Place): void => {
    if (items.length >= min && items.length <= max) return;
    throw place.error(`expected ${min}..${max} items, found ${items.length}`);
  };
  return {
    fromCbor(value, place) {
      if (!isCborArray(value)) throw place.error(`expected an array, found ${describe(value)}`);
      check(value, place);
      return value.map((item, i) => codec.fromCbor(item, place.at(i)));
    },
    toCbor: (value) => value.map((item) => codec.toCbor(item)),
    toJson: (value) => value.map((item) => codec.toJson(item)),
    fromJson(json, place) {
      if (!isJsonArray(json)) throw place.error(`expected an array, found ${describe(json)}`);
      check(json, place);
      return json.map((item, i) => codec.fromJson(item, place.at(i)));
    },
  };
}

/** An object whose CBOR form is the array of its members in the order of `shape`. */
export function record<const S extends { readonly [name: string]: Codec<unknown> }>(
  shape: S,
): Codec<ShapeType<S>> {
  const members = Object.entries(shape);
  type Members = Readonly<Record<string, unknown>>;
  return {
    fromCbor(value, place) {
      if (!isCborArray(value) || value.length !== members.length) {
        const found = isCborArray(value) ? `${value.length}` : describe(value);
        throw place.error(`expected an array of ${members.length}, found ${found}`);
      }
      const pairs = members.map(([name, codec], i) => {
        return [name, codec.fromCbor(value[i] ?? null, place.at(name))];
      });
      return Object.fromEntries(pairs) as ShapeType<S>;
    },
    toCbor: (value) => members.map(([name, codec]) => codec.toCbor((value as Members)[name])),
    toJson: (value) =>
      Object.fromEntries(
        members.map(([name, codec]) => [name, codec.toJson((value as Members)[name])]),
      ),
    fromJson(json, place) {
      const object = requireMembers(json, shape, place);
      const pairs = members.map(([name, codec]) => {
        return [name, codec.fromJson(object[name] ?? null, place.at(name))];
      });
      return Object.fromEntries(pairs) as ShapeType<S>;
    },
  };
}

/** `codec` with one more rule over the whole value; `rule` returns what is wrong, or null. */
export function refine<T>(codec: Codec<T>, rule: (value: T) => string | null): Codec<T> {
  const check = (value: T, place: Place): T => {
    const reason = rule(value);
    if (reason !== null) throw place.error(reason);
    return value;
  };
  return {
    fromCbor: (value, place) => check(codec.fromCbor(value, place), place),
    toCbor: (value) => codec.toCbor(value),
    toJson: (value) => codec.toJson(value),
    fromJson: (json, place) => check(codec.fromJson(json, place), place),
  };
}

/** The JSON object `json`, with no member that `known` lacks. */
export function requireMembers(
  json: Json,
  known: Readonly<Record<string, unknown>>,
  place: Place,
): JsonObject {
  if (typeof json !== 'object' || json === null || isJsonArray(json)) {
    throw place.error(`expected an object, found ${describe(json)}`);
  }
  const unknown = Object.keys(json).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw place.error(`unknown member '${unknown}'`);
  return json;
}

/** Narrows to an array, which `Array.isArray` does not do for readonly ones. */
export function isJsonArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function requireTruth(value: unknown, place: Place): boolean {
  if (typeof value === 'boolean') return value;
  throw place.error(`expected true or false, found ${describe(value)}`);
}

/** The items of `value` as a map with integer keys. */
export function requireMap(value: CborValue, place: Place): ReadonlyMap<CborKey, CborValue> {
  if (isCborMap(value)) return value;
  throw place.error(`expected a map, found ${describe(value)}`);
}

/** Short words for a value in a message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'string') return `text of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  const isPlain = ['number', 'bigint', 'boolean'].includes(typeof value);
  return isPlain ? `${value as number | bigint | boolean}` : typeof value;
}
