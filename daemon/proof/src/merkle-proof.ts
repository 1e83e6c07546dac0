/**
 * Building RFC 6962 proofs from stored hashes of complete subtrees.
 *
 * A node (level, index) is the complete subtree over the leaves [index * 2^level, (index+1) *
 * 2^level). Proofs are first planned as leaf ranges, which fold over such nodes; so that one plan
 * serves memory, files and tiles, and a caller may fetch all nodes of a plan at once
 * (`nodesOfRange`).
 */
import { emptyRoot, nodeHash, requireLeaf } from './merkle.ts';
import { ProofError } from './proof-error.ts';

/** A complete subtree. */
export interface TreeNode {
  readonly level: number;
  readonly index: bigint;
}

/**
 * The leaves [start, end) of one subtree of some tree; `start` is a multiple of the subtree's span.
 */
export interface LeafRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** The stored hash of the complete subtree (level, index); it may throw when there is none. */
export type HashReader = (level: number, index: bigint) => Uint8Array;

/** Root of the tree of the first `size` leaves. */
export function rootOfTree(size: bigint, getHash: HashReader): Uint8Array {
  if (size < 0n) throw new ProofError('tree-malformed', `tree: no size ${size}`);
  return size === 0n ? emptyRoot() : hashOfRange({ start: 0n, end: size }, getHash);
}

/** Inclusion proof of leaf `index` in the tree of `size`. @throws ProofError `tree-malformed` */
export function inclusionProof(index: bigint, size: bigint, getHash: HashReader): Uint8Array[] {
  return planInclusion(index, size).map((range) => hashOfRange(range, getHash));
}

/** Consistency proof between two sizes of one tree. @throws ProofError `tree-malformed` */
export function consistencyProof(
  oldSize: bigint,
  newSize: bigint,
  getHash: HashReader,
): Uint8Array[] {
  return planConsistency(oldSize, newSize).map((range) => hashOfRange(range, getHash));
}

/** The subtrees whose hashes are the inclusion proof (RFC 6962 §2.1.1), leaf's sibling first. */
export function planInclusion(index: bigint, size: bigint): LeafRange[] {
  requireLeaf(index, size);
  const plan: LeafRange[] = [];
  let start = 0n;
  let end = size;
  while (end - start > 1n) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      plan.push({ start: middle, end });
      end = middle;
    } else {
      plan.push({ start, end: middle });
      start = middle;
    }
  }
  return plan.reverse();
}

/** The subtrees whose hashes are the consistency proof (RFC 6962 §2.1.2). */
export function planConsistency(oldSize: bigint, newSize: bigint): LeafRange[] {
  if (oldSize < 0n || oldSize > newSize) {
    throw new ProofError('tree-malformed', `tree: size ${oldSize} is not a past of ${newSize}`);
  }
  if (oldSize === 0n || oldSize === newSize) return [];
  const plan: LeafRange[] = [];
  let start = 0n;
  let end = newSize;
  while (end !== oldSize) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      plan.push({ start: middle, end });
      end = middle;
    } else {
      plan.push({ start, end: middle });
      start = middle;
    }
  }
  // The old tree's own last subtree is left out when it is the old root, which the verifier has.
  if (start > 0n) plan.push({ start, end });
  return plan.reverse();
}

/** The complete subtrees that make up `range`, left to right, each smaller than the one before. */
export function nodesOfRange(range: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  let start = range.start;
  while (start < range.end) {
    const level = levelOf(range.end - start);
    nodes.push({ level, index: start >> BigInt(level) });
    start += 1n << BigInt(level);
  }
  return nodes;
}

/** Hash of the subtree over `range`. */
export function hashOfRange(range: LeafRange, getHash: HashReader): Uint8Array {
  const hashes = nodesOfRange(range).map(({ level, index }) => getHash(level, index));
  return foldRight(hashes);
}

/** Root over adjacent complete subtrees of falling size, given left to right. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) throw new ProofError('tree-malformed', 'tree: empty range of leaves');
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** Largest power of two smaller than `count`, for `count` of at least 2. */
function splitOf(count: bigint): bigint {
  return 1n << BigInt(levelOf(count - 1n));
}

/** Exponent of the largest power of two not above `count`. */
function levelOf(count: bigint): number {
  return count.toString(2).length - 1;
}
