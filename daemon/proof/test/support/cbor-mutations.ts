/**
 * Every single-field mutation of a CBOR item, encoded again: integers moved, bytes and text
 * changed, items dropped, repeated, exchanged and replaced; also inside byte strings that hold CBOR
 * themselves.
 */
import type { CborKey, CborValue } from '../../src/cbor.ts';
import { decodeCbor, encodeCbor, isCborArray, isCborMap, isCborTagged } from '../../src/cbor.ts';
import { ProofError } from '../../src/proof-error.ts';

/** One mutated encoding, and where it differs. */
export interface Mutation {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export function* mutationsOf(encoded: Uint8Array): Generator<Mutation, void, void> {
  for (const [path, value] of mutateValue(decodeCbor(encoded))) {
    yield { path, bytes: encodeCbor(value) };
  }
}

type Mutated = readonly [path: string, value: CborValue];

function* mutateValue(value: CborValue): Generator<Mutated, void, void> {
  if (value instanceof Uint8Array) {
    yield* mutateBytes(value);
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    yield ['+1', BigInt(value) + 1n];
    yield [' as null', null];
    if (value > 0) yield ['-1', BigInt(value) - 1n];
  } else if (typeof value === 'string') {
    yield [' longer', `${value}x`];
    yield [' empty', ''];
  } else if (typeof value === 'boolean') {
    yield [' toggled', !value];
  } else if (value === null) {
    yield [' as 0', 0];
    yield [' as []', []];
    yield [' as bytes', new Uint8Array(32)];
  } else if (isCborArray(value)) {
    yield* mutateArray(value);
  } else if (isCborMap(value)) {
    yield* mutateMap(value);
  } else if (isCborTagged(value)) {
    for (const [path, inner] of mutateValue(value.value)) {
      yield [`.tag${path}`, { tag: value.tag, value: inner }];
    }
  }
}

function* mutateBytes(bytes: Uint8Array): Generator<Mutated, void, void> {
  if (bytes.length > 0) {
    const flipped = bytes.slice();
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    yield [' flipped', flipped];
    yield [' shorter', bytes.subarray(1)];
  }
  yield [' longer', Uint8Array.from([...bytes, 0])];
  const nested = decodeOrNothing(bytes);
  if (nested === undefined) return;
  for (const [path, inner] of mutateValue(nested)) yield [`~${path}`, encodeCbor(inner)];
}

function* mutateArray(items: readonly CborValue[]): Generator<Mutated, void, void> {
  for (const [i, item] of items.entries()) {
    for (const [path, value] of mutateValue(item)) yield [`[${i}]${path}`, items.with(i, value)];
    yield [`[${i}] dropped`, items.toSpliced(i, 1)];
    yield [`[${i}] repeated`, items.toSpliced(i, 0, item)];
    const next = items[i + 1];
    if (next === undefined || isSame(item, next)) continue;
    yield [`[${i}] exchanged`, items.with(i, next).with(i + 1, item)];
  }
}

function* mutateMap(map: ReadonlyMap<CborKey, CborValue>): Generator<Mutated, void, void> {
  for (const [key, item] of map) {
    for (const [path, value] of mutateValue(item)) {
      yield [`{${key}}${path}`, new Map([...map, [key, value] as const])];
    }
    yield [`{${key}} dropped`, new Map([...map].filter(([other]) => other !== key))];
  }
  yield ['{new}', new Map([...map, [99, 0] as const])];
}

function isSame(left: CborValue, right: CborValue): boolean {
  return Buffer.compare(encodeCbor(left), encodeCbor(right)) === 0;
}

function decodeOrNothing(bytes: Uint8Array): CborValue | undefined {
  if (bytes.length < 2) return undefined;
  try {
    return decodeCbor(bytes);
  } catch (error) {
    if (error instanceof ProofError) return undefined;
    throw error;
  }
}
