/**
 * The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, roots, and the checking of proofs.
 * Checking is total: a proof of the wrong length, or for an impossible index, is simply not a
 * proof.
 */
import { equalBytes } from './bytes.ts';
import { ProofError } from './proof-error.ts';
import { HASH_SIZE_BYTES, sha256 } from './sha256.ts';

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** A path in a tree of 2^64 leaves has at most this many hashes. */
export const PROOF_HASHES_MAX = 64;

/** What an inclusion proof claims: the leaf at `index` of the tree of `size` leaves. */
export interface InclusionClaim {
  readonly index: bigint;
  readonly size: bigint;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
}

/** What a consistency proof claims: the old tree is a prefix of the new one. */
export interface ConsistencyClaim {
  readonly oldSize: bigint;
  readonly oldRoot: Uint8Array;
  readonly newSize: bigint;
  readonly newRoot: Uint8Array;
}

/** Hash of a leaf: SHA-256(0x00 ‖ data). */
export function leafHash(data: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, data);
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right);
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256();
}

/** Root of the tree over `leafHashes`. */
export function rootOfLeafHashes(leafHashes: readonly Uint8Array[]): Uint8Array {
  let level = leafHashes;
  if (level.length === 0) return emptyRoot();
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Uint8Array;
      const right = level[i + 1];
      next.push(right === undefined ? left : nodeHash(left, right));
    }
    level = next;
  }
  return level[0] as Uint8Array;
}

/** Whether `proof` shows `claim` (RFC 9162 §2.1.3.2, which gives RFC 6962's algorithm). */
export function verifyInclusion(claim: InclusionClaim, proof: readonly Uint8Array[]): boolean {
  if (!areHashes([claim.leafHash, claim.root, ...proof])) return false;
  if (claim.index < 0n || claim.index >= claim.size || proof.length > PROOF_HASHES_MAX)
    return false;
  let fn = claim.index;
  let sn = claim.size - 1n;
  let hash = claim.leafHash;
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(fn) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equalBytes(hash, claim.root);
}

/**
 * Root of the tree of the leaves before leaf `index`, from that leaf's inclusion proof in a tree of
 * `size`, which must have been verified: the hashes on the leaf's left are exactly theirs.
 */
export function rootBefore(
  { index, size }: Pick<InclusionClaim, 'index' | 'size'>,
  proof: readonly Uint8Array[],
): Uint8Array {
  let [fn, sn] = [index, size - 1n];
  let root: Uint8Array | null = null;
  for (const sibling of proof) {
    if (isOdd(fn) || fn === sn) {
      root = root === null ? sibling : nodeHash(sibling, root);
      while (!isOdd(fn) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return root ?? emptyRoot();
}

/**
 * Whether `proof` shows `claim` (RFC 9162 §2.1.4.2). Two trees of one size are consistent when
 * their roots are equal, with an empty proof; the empty tree is consistent with every tree.
 */
export function verifyConsistency(claim: ConsistencyClaim, proof: readonly Uint8Array[]): boolean {
  const { oldSize, newSize, oldRoot, newRoot } = claim;
  if (!areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize < 0n || oldSize > newSize || proof.length > PROOF_HASHES_MAX + 1) return false;
  if (oldSize === newSize) return proof.length === 0 && equalBytes(oldRoot, newRoot);
  if (oldSize === 0n) return proof.length === 0 && equalBytes(oldRoot, emptyRoot());
  return climbConsistency(claim, proof);
}

function climbConsistency(claim: ConsistencyClaim, proof: readonly Uint8Array[]): boolean {
  const isPowerOfTwo = (claim.oldSize & (claim.oldSize - 1n)) === 0n;
  const [seed, ...path] = isPowerOfTwo ? [claim.oldRoot, ...proof] : proof;
  if (seed === undefined) return false;
  let fn = claim.oldSize - 1n;
  let sn = claim.newSize - 1n;
  while (isOdd(fn)) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let oldHash = seed;
  let newHash = seed;
  for (const sibling of path) {
    if (sn === 0n) return false;
    if (isOdd(fn) || fn === sn) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (!isOdd(fn) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equalBytes(oldHash, claim.oldRoot) && equalBytes(newHash, claim.newRoot);
}

/** Throws unless `index` is a leaf of a tree of `size`. @throws ProofError `tree-malformed` */
export function requireLeaf(index: bigint, size: bigint): void {
  if (index < 0n || index >= size) {
    throw new ProofError('tree-malformed', `tree: no leaf ${index} in a tree of ${size}`);
  }
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function areHashes(candidates: readonly Uint8Array[]): boolean {
  return candidates.every((candidate) => candidate.length === HASH_SIZE_BYTES);
}
