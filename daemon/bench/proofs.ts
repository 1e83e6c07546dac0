/**
 * What a figure is worth nothing without: after the load, every receipt that is drawn must hold. A
 * reader that has only the published entry bundles and @kudurru/proof grows the tree again from
 * its first entry; at the size that a receipt names, the root must be the receipt's, and where it
 * says that the statement stands, the statement that was sent must stand.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  decodeEntry,
  equalBytes,
  MerkleTree,
  parseCheckpoint,
  sha256,
  TileReader,
  CHECKPOINT_PATH,
} from '@kudurru/proof';

import type { KeptReceipt } from './receipts.ts';

export interface ProvenReceipts {
  readonly receipts: number;
  readonly entries: bigint;
}

/** @throws Error that names the first receipt that does not hold, or `stop`'s reason */
export async function proveReceipts(
  folder: string,
  receipts: readonly KeptReceipt[],
  stop: AbortSignal,
): Promise<ProvenReceipts> {
  const { size, root } = publishedHead(folder);
  const reader = new ReceiptReader(receipts);
  const fetch = async (path: string): Promise<Uint8Array> => {
    stop.throwIfAborted();
    return new Uint8Array(await readFile(join(folder, path)));
  };
  const entries = new TileReader(fetch, size).entries(0n, size);
  for await (const entry of entries) reader.take(entry);
  reader.finish(root);
  return { receipts: receipts.length, entries: size };
}

/** Grows the tree entry by entry, and holds each receipt against it when its size is reached. */
class ReceiptReader {
  readonly #tree = new MerkleTree();
  readonly #byIndex: ReadonlyMap<bigint, KeptReceipt>;
  readonly #bySize: ReadonlyMap<bigint, readonly KeptReceipt[]>;
  readonly #open: Set<KeptReceipt>;

  constructor(receipts: readonly KeptReceipt[]) {
    this.#byIndex = new Map(receipts.map((receipt) => [receipt.firstIndex, receipt]));
    this.#bySize = Map.groupBy(receipts, ({ treeSize }) => treeSize);
    this.#open = new Set(receipts);
  }

  take(entry: Uint8Array): void {
    const receipt = this.#byIndex.get(this.#tree.size);
    if (receipt !== undefined) requireStatement(receipt, entry);
    this.#tree.append(entry);
    const covered = this.#bySize.get(this.#tree.size);
    if (covered === undefined) return;
    const root = this.#tree.root();
    for (const each of covered) {
      if (!equalBytes(root, each.root)) throw broken(each, 'the root is another');
      if (each.firstIndex + BigInt(each.count) >= each.treeSize) {
        throw broken(each, 'its tree ends before its last action');
      }
      this.#open.delete(each);
    }
  }

  finish(publishedRoot: Uint8Array): void {
    if (!equalBytes(this.#tree.root(), publishedRoot)) {
      throw new Error('the published entries do not give the published root');
    }
    const [left] = this.#open;
    if (left !== undefined) throw broken(left, 'no published tree reaches it');
  }
}

function publishedHead(folder: string): { size: bigint; root: Uint8Array } {
  return parseCheckpoint(new Uint8Array(readFileSync(join(folder, CHECKPOINT_PATH))));
}

function requireStatement(receipt: KeptReceipt, bytes: Uint8Array): void {
  const entry = decodeEntry(bytes);
  if (entry.kind !== 'statement') throw broken(receipt, `a ${entry.kind} entry stands there`);
  if (!equalBytes(sha256(entry.statement), receipt.statementHash)) {
    throw broken(receipt, 'another statement than the one sent stands there');
  }
}

function broken({ firstIndex, treeSize }: KeptReceipt, why: string): Error {
  return new Error(`receipt of entry ${firstIndex} in the tree of ${treeSize} broken: ${why}`);
}
