/**
 * What a `restore` entry's order says (SPEC.md §9.1): what the TPM showed, what the log had, and
 * where in the chain of anchors the log goes on from the TPM as it was found.
 */
import type { ShapeType } from './schema.ts';
import {
  constant,
  decodeWith,
  encodeWith,
  h32,
  index,
  nullable,
  Place,
  record,
  refine,
  uint,
} from './schema.ts';
import { equalBytes } from './bytes.ts';
import { ZERO_HASH } from './sha256.ts';

const COUNT_MAX = 2 ** 32 - 1;
const count = uint(0, COUNT_MAX);

const shape = {
  version: constant(1),
  /** The tree before the restore entry: the order is of this log and no longer or shorter one. */
  size: index,
  root: h32,
  /** The last anchor; null where there is none. */
  previousAnchorIndex: nullable(index),
  /** 32 zero bytes where there is none. */
  previousAnchorLeafHash: h32,
  /** Sequence of the anchor that follows the restore entry. */
  nextAnchorSequence: index,
  /** Entries that the last anchor covers. */
  anchoredSize: index,
  /** What the log leads to. */
  logged: record({ counter: index, extend: nullable(h32) }),
  /** What the TPM shows. */
  found: record({
    counter: index,
    extend: nullable(h32),
    pcr: nullable(h32),
    resetCount: count,
    restartCount: count,
    clockMs: index,
  }),
};
const codec = refine(record(shape), (value) => {
  const { previousAnchorIndex, previousAnchorLeafHash, nextAnchorSequence, anchoredSize } = value;
  const isFirst = previousAnchorIndex === null;
  const isEmpty =
    nextAnchorSequence === 0n &&
    anchoredSize === 0n &&
    equalBytes(previousAnchorLeafHash, ZERO_HASH);
  if (isFirst !== isEmpty) return 'says of the last anchor what cannot be';
  return anchoredSize > value.size ? 'is of a tree shorter than its last anchor' : null;
});
const place = new Place('order-invalid', 'restoration');

export type Restoration = ShapeType<typeof shape>;

/** @throws ProofError `order-invalid`, `cbor-malformed` */
export function decodeRestoration(encoded: Uint8Array): Restoration {
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `order-invalid` */
export function encodeRestoration(value: Restoration): Uint8Array {
  return encodeWith(codec, value, place);
}
