/**
 * A growing RFC 6962 tree that keeps only its right edge: at most 64 hashes, whatever its size.
 * Completed subtrees are handed to `onNode`, once each, children before parents: what a tile writer
 * stores and a proof builder reads back.
 */
import { leafHash, nodeHash, emptyRoot } from './merkle.ts';
import { foldRight, nodesOfRange } from './merkle-proof.ts';
import { ProofError } from './proof-error.ts';

/** Told of each completed subtree. */
export type NodeListener = (level: number, index: bigint, hash: Uint8Array) => void;

export class MerkleTree {
  readonly #edge: Uint8Array[];
  readonly #onNode: NodeListener | undefined;
  #size: bigint;

  /** An empty tree, or the tree that `edge` and `size` describe (see `edge`). */
  constructor(onNode?: NodeListener, resumed?: { size: bigint; edge: readonly Uint8Array[] }) {
    this.#onNode = onNode;
    this.#size = resumed?.size ?? 0n;
    this.#edge = [...(resumed?.edge ?? [])];
    if (this.#edge.length !== nodesOfRange({ start: 0n, end: this.#size }).length) {
      throw new ProofError('tree-malformed', `tree: wrong right edge for size ${this.#size}`);
    }
  }

  /** Number of leaves. */
  get size(): bigint {
    return this.#size;
  }

  /** Hashes of the complete subtrees that make up the tree, largest first. */
  get edge(): readonly Uint8Array[] {
    return [...this.#edge];
  }

  /** Appends the leaf over `data` and returns its hash. */
  append(data: Uint8Array): Uint8Array {
    const hash = leafHash(data);
    this.appendHash(hash);
    return hash;
  }

  /** Appends a leaf by its hash. */
  appendHash(leaf: Uint8Array): void {
    let hash = leaf;
    let index = this.#size;
    let level = 0;
    this.#onNode?.(level, index, hash);
    while ((index & 1n) === 1n) {
      hash = nodeHash(this.#edge.pop() as Uint8Array, hash);
      index >>= 1n;
      level += 1;
      this.#onNode?.(level, index, hash);
    }
    this.#edge.push(hash);
    this.#size += 1n;
  }

  /** Root hash. */
  root(): Uint8Array {
    return this.#size === 0n ? emptyRoot() : foldRight(this.#edge);
  }
}
