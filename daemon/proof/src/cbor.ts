/**
 * Deterministic CBOR (RFC 8949 §4.2.1), the subset that the formats use: integers of 64 bits, byte
 * and text strings, arrays, maps with integer or text keys, false, true, null, and tag 18.
 *
 * Invariant: `encodeCbor(decodeCbor(b))` equals `b` for every `b` that decodes. All else is
 * refused: non-minimal or indefinite lengths, unsorted or repeated keys, floats, other tags and
 * simple values, invalid UTF-8, and bytes after the item. Both directions are total within the
 * limits.
 */
import { compareBytes, concatBytes, decodeUtf8, encodeUtf8, viewOf } from './bytes.ts';
import { ProofError } from './proof-error.ts';

/**
 * Items nest at most this deep; the deepest format, an anchor in a bundle, uses fewer than half.
 */
export const CBOR_DEPTH_MAX = 16;

/**
 * Items in one input: three times what the largest bundle has, twice what an entry could. Without
 * it a file of 32 MiB, all of it empty strings, takes gigabytes before its schema is asked.
 */
export const CBOR_ITEMS_MAX = 131_072;

/** The one accepted tag: COSE_Sign1 (RFC 9052 §2). */
export const COSE_SIGN1_TAG = 18;

/** A tagged item. */
export interface CborTagged {
  readonly tag: typeof COSE_SIGN1_TAG;
  readonly value: CborValue;
}

export type CborKey = number | bigint | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;

/** Integers beyond ±(2^53-1) decode to `bigint`, all others to `number`; both encode. */
export type CborValue =
  number | bigint | string | boolean | null | Uint8Array | CborArray | CborMap | CborTagged;
export type CborArray = readonly CborValue[];

const MAJOR = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/**
 * The value of the one item that `bytes` hold. Byte strings are views of `bytes`, not copies.
 * @throws ProofError `cbor-malformed`, or `limit-exceeded` for nesting or the number of items
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const value = reader.item(0);
  reader.end();
  return value;
}

/**
 * The deterministic encoding of `value`.
 * @throws ProofError `cbor-malformed` for a value outside the subset, `limit-exceeded` for nesting
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const parts: Uint8Array[] = [];
  writeItem(parts, value, 0);
  return concatBytes(...parts);
}

class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #items = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  item(depth: number): CborValue {
    if (depth > CBOR_DEPTH_MAX) {
      throw new ProofError('limit-exceeded', `cbor: nested deeper than ${CBOR_DEPTH_MAX} levels`);
    }
    this.#items += 1;
    if (this.#items > CBOR_ITEMS_MAX) {
      throw new ProofError('limit-exceeded', `cbor: more than ${CBOR_ITEMS_MAX} items`);
    }
    const initial = this.#take(1)[0] ?? 0;
    const major = initial >> 5;
    if (major === MAJOR.simple) return this.#simple(initial & 31);
    const argument = this.#argument(initial & 31);
    switch (major) {
      case MAJOR.unsigned:
        return argument;
      case MAJOR.negative:
        return negative(argument);
      case MAJOR.bytes:
        return this.#take(argument);
      case MAJOR.text:
        return this.#text(argument);
      case MAJOR.array:
        return this.#array(argument, depth);
      case MAJOR.map:
        return this.#map(argument, depth);
      default:
        return this.#tagged(argument, depth);
    }
  }

  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw this.#malformed(`${left} bytes after the item`);
  }

  #malformed(reason: string): ProofError {
    return new ProofError('cbor-malformed', `cbor at byte ${this.#offset}: ${reason}`);
  }

  #take(length: number | bigint): Uint8Array {
    if (length > this.#bytes.length - this.#offset) {
      throw this.#malformed(`${length} bytes wanted, ${this.#bytes.length - this.#offset} left`);
    }
    const start = this.#offset;
    this.#offset += Number(length);
    return this.#bytes.subarray(start, this.#offset);
  }

  #argument(info: number): number | bigint {
    if (info < 24) return info;
    if (info > 27) throw this.#malformed('indefinite or reserved length');
    const width = 1 << (info - 24);
    const at = this.#offset;
    this.#take(width);
    const value = width === 8 ? this.#view.getBigUint64(at) : this.#shortArgument(at, width);
    const least = width === 1 ? 24 : 2 ** (4 * width);
    if (value < least) throw this.#malformed(`${value} is not encoded in its shortest form`);
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  #shortArgument(at: number, width: number): number {
    if (width === 1) return this.#view.getUint8(at);
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #simple(info: number): boolean | null {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    throw this.#malformed('floats, undefined and other simple values are not accepted');
  }

  #text(length: number | bigint): string {
    const bytes = this.#take(length);
    try {
      return decodeUtf8(bytes);
    } catch (cause) {
      throw new ProofError('cbor-malformed', `cbor at byte ${this.#offset}: invalid utf-8`, {
        cause,
      });
    }
  }

  #array(length: number | bigint, depth: number): CborArray {
    this.#roomFor(length, 1);
    const items: CborValue[] = [];
    for (let i = 0; i < length; i++) items.push(this.item(depth + 1));
    return items;
  }

  #map(length: number | bigint, depth: number): CborMap {
    this.#roomFor(length, 2);
    const map = new Map<CborKey, CborValue>();
    let previous: Uint8Array | undefined;
    for (let i = 0; i < length; i++) {
      const start = this.#offset;
      const key = this.item(depth + 1);
      if (typeof key !== 'number' && typeof key !== 'bigint' && typeof key !== 'string') {
        throw this.#malformed('a map key is neither an integer nor text');
      }
      const encoded = this.#bytes.subarray(start, this.#offset);
      if (previous !== undefined && compareBytes(previous, encoded) >= 0) {
        throw this.#malformed('map keys are repeated or not in order');
      }
      previous = encoded;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  /** Refuses a count that the rest of the input cannot hold, before anything is allocated. */
  #roomFor(count: number | bigint, leastSizeBytes: number): void {
    const left = this.#bytes.length - this.#offset;
    if (count > left / leastSizeBytes) throw this.#malformed(`${count} items wanted, too few left`);
  }

  #tagged(tag: number | bigint, depth: number): CborTagged {
    if (tag !== COSE_SIGN1_TAG) throw this.#malformed(`tag ${tag} is not accepted`);
    return { tag, value: this.item(depth + 1) };
  }
}

function negative(argument: number | bigint): number | bigint {
  const value = -1n - BigInt(argument);
  return value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
}

function writeItem(parts: Uint8Array[], value: CborValue, depth: number): void {
  if (depth > CBOR_DEPTH_MAX) {
    throw new ProofError('limit-exceeded', `cbor: nested deeper than ${CBOR_DEPTH_MAX} levels`);
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    parts.push(encodeInteger(value));
  } else if (typeof value === 'string') {
    const bytes = encodeUtf8(value);
    parts.push(encodeHead(MAJOR.text, bytes.length), bytes);
  } else if (typeof value === 'boolean') {
    parts.push(Uint8Array.of(value ? 0xf5 : 0xf4));
  } else if (value === null) {
    parts.push(Uint8Array.of(0xf6));
  } else if (value instanceof Uint8Array) {
    parts.push(encodeHead(MAJOR.bytes, value.length), value);
  } else if (isCborArray(value)) {
    parts.push(encodeHead(MAJOR.array, value.length));
    for (const element of value) writeItem(parts, element, depth + 1);
  } else if (isCborMap(value)) {
    writeMap(parts, value, depth);
  } else if (isCborTagged(value)) {
    parts.push(encodeHead(MAJOR.tag, value.tag));
    writeItem(parts, value.value, depth + 1);
  } else {
    throw new ProofError('cbor-malformed', `cbor: cannot encode a value of type ${typeof value}`);
  }
}

function writeMap(parts: Uint8Array[], map: CborMap, depth: number): void {
  const pairs = [...map].map(([key, value]) => ({ key: encodeCbor(key), value }));
  pairs.sort((left, right) => compareBytes(left.key, right.key));
  parts.push(encodeHead(MAJOR.map, pairs.length));
  let previous: Uint8Array | undefined;
  for (const { key, value } of pairs) {
    // 1 and 1n are different keys of a Map and the same key of the encoding.
    if (previous !== undefined && compareBytes(previous, key) === 0) {
      throw new ProofError('cbor-malformed', 'cbor: a map key is repeated');
    }
    previous = key;
    parts.push(key);
    writeItem(parts, value, depth + 1);
  }
}

function encodeInteger(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new ProofError('cbor-malformed', `cbor: ${value} is not an exact integer`);
  }
  if (value >= 0) return encodeHead(MAJOR.unsigned, value);
  return encodeHead(MAJOR.negative, -1n - BigInt(value));
}

function encodeHead(major: number, argument: number | bigint): Uint8Array {
  const initial = major << 5;
  if (argument < 24) return Uint8Array.of(initial | Number(argument));
  if (argument > U64_MAX) {
    throw new ProofError('cbor-malformed', `cbor: ${argument} does not fit 64 bits`);
  }
  const width = argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8;
  const bytes = new Uint8Array(1 + width);
  bytes[0] = initial | (24 + Math.log2(width));
  const view = viewOf(bytes);
  if (width === 1) view.setUint8(1, Number(argument));
  else if (width === 2) view.setUint16(1, Number(argument));
  else if (width === 4) view.setUint32(1, Number(argument));
  else view.setBigUint64(1, BigInt(argument));
  return bytes;
}

/** Narrows to an array, which `Array.isArray` does not do for readonly ones. */
export function isCborArray(value: CborValue): value is CborArray {
  return Array.isArray(value);
}

/** Narrows to a map, with its types. */
export function isCborMap(value: CborValue): value is CborMap {
  return value instanceof Map;
}

/** Narrows to a tagged item. */
export function isCborTagged(value: CborValue): value is CborTagged {
  return typeof value === 'object' && value !== null && 'tag' in value;
}
