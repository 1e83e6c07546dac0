/**
 * Holds receipts against the log that is left: the tree is derived anew from the published entries,
 * each acknowledged action must stand at its index, and each root must be the one of its receipt.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Receipt } from '@kudurru/agent';
import {
  CHECKPOINT_PATH,
  decodeEntry,
  encodeHex,
  equalBytes,
  leafHash,
  MerkleTree,
  parseCheckpoint,
  TileReader,
} from '@kudurru/proof';

export interface Comparison {
  /** Entries that are published. */
  readonly size: bigint;
  /** What does not hold, in words; empty when all is well. */
  readonly problems: readonly string[];
}

/** Of a state folder whose daemon has stopped in order, and so has published all. */
export async function compareReceipts(
  state: string,
  receipts: readonly Receipt[],
): Promise<Comparison> {
  const { size, root } = parseCheckpoint(
    new Uint8Array(await readFile(join(state, CHECKPOINT_PATH))),
  );
  const checker = new ReceiptChecker(receipts);
  const reader = new TileReader((path) => readFile(join(state, path)), size);
  for await (const entry of reader.entries(0n, size)) checker.add(entry);
  return { size, problems: checker.finish(root) };
}

/** Walks the log once, beside the receipts in the order of their trees. */
class ReceiptChecker {
  readonly #tree = new MerkleTree();
  readonly #bySize: Receipt[];
  readonly #places = new Map<bigint, { session: Uint8Array; sequence: bigint }>();
  readonly #sessions = new Map<bigint, Uint8Array>();
  readonly #problems: string[] = [];
  #next = 0;

  constructor(receipts: readonly Receipt[]) {
    this.#bySize = receipts.toSorted((a, b) => (a.treeSize < b.treeSize ? -1 : 1));
    for (const { actions } of receipts) {
      for (const { index, reference } of actions) {
        if (this.#places.has(index)) this.#problems.push(`index ${index} was given out twice`);
        this.#places.set(index, reference);
      }
    }
  }

  add(bytes: Uint8Array): void {
    const index = this.#tree.size;
    const entry = decodeEntry(bytes);
    if (entry.kind === 'session.open') this.#sessions.set(index, leafHash(bytes));
    const promised = this.#places.get(index);
    if (promised !== undefined) {
      const session = entry.kind === 'action' ? this.#sessions.get(entry.sessionIndex) : undefined;
      const isKept =
        entry.kind === 'action' &&
        entry.sequence === promised.sequence &&
        session !== undefined &&
        equalBytes(session, promised.session);
      if (!isKept) {
        const place = `${encodeHex(promised.session).slice(0, 8)}/${promised.sequence}`;
        this.#problems.push(`the entry at ${index} is not the acknowledged action ${place}`);
      }
    }
    this.#tree.append(bytes);
    this.#compareRoots();
  }

  finish(root: Uint8Array): readonly string[] {
    if (!equalBytes(root, this.#tree.root())) {
      this.#problems.push('the published entries do not give the root of the checkpoint');
    }
    const missing = this.#bySize.length - this.#next;
    if (missing > 0) this.#problems.push(`${missing} receipts are of a tree longer than the log`);
    return this.#problems;
  }

  #compareRoots(): void {
    for (; this.#bySize[this.#next]?.treeSize === this.#tree.size; this.#next++) {
      const receipt = this.#bySize[this.#next];
      if (receipt !== undefined && !equalBytes(receipt.root, this.#tree.root())) {
        this.#problems.push(`the root at ${receipt.treeSize} is not the one of the receipt`);
      }
    }
  }
}
