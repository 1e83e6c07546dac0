/**
 * Numbers that must not be mixed up: a time, a place in the log, a size of the log. Each is a
 * bigint whose type carries its unit; it is made by the function of the same name, which checks the
 * range, and nowhere else. Arithmetic gives a plain bigint: the result is branded again where it is
 * known what it is.
 */
import { KudurruError } from './errors.ts';

declare const unit: unique symbol;
type Branded<Name extends string> = bigint & { readonly [unit]: Name };

/** Nanoseconds since 1970-01-01T00:00:00 TAI, 0 .. 2^63 - 1 (the year 2262). */
export type TaiNs = Branded<'TaiNs'>;
/** Place of an entry in the log, 0 .. 2^63 - 1 (RFC 6962). */
export type LeafIndex = Branded<'LeafIndex'>;
/** Count of entries in a tree, 0 .. 2^63 - 1 (RFC 6962). The newest index is one less. */
export type TreeSize = Branded<'TreeSize'>;

/** All three fit a signed 64-bit integer, so that SQLite and C++ hold them without loss. */
const int64Max = 2n ** 63n - 1n;

export function taiNs(value: bigint): TaiNs {
  checkRange('TAI time in ns', value);
  return value as TaiNs;
}

export function leafIndex(value: bigint): LeafIndex {
  checkRange('leaf index', value);
  return value as LeafIndex;
}

export function treeSize(value: bigint): TreeSize {
  checkRange('tree size', value);
  return value as TreeSize;
}

/** A bigint as a number, for lengths and counts; throws where a number cannot hold it exactly. */
export function toSafeNumber(value: bigint): number {
  if (value < BigInt(Number.MIN_SAFE_INTEGER) || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new KudurruError(
      'value-out-of-range',
      `number out of range: '${value}' does not fit 53 bits`,
    );
  }
  return Number(value);
}

function checkRange(what: string, value: bigint): void {
  if (value < 0n || value > int64Max) {
    throw new KudurruError(
      'value-out-of-range',
      `${what} out of range: '${value}' is not in 0 .. 2^63 - 1`,
    );
  }
}
