/**
 * What a figure is worth nothing without: after the load, every receipt that is drawn must hold. A
 * reader that has only the published entry bundles and @kudurru/proof grows the tree again from
 * its first entry; at the size that a receipt names, the root must be the receipt's, and where it
 * says that the statement stands, the statement that was sent must stand.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  decodeEntry,
  equalBytes,
  formatTilePath,
  MerkleTree,
  parseCheckpoint,
  parseEntryBundle,
  sha256,
  tileWidth,
  TILE_WIDTH,
  CHECKPOINT_PATH,
} from '@kudurru/proof';

import type { KeptReceipt } from './receipts.ts';

export interface ProvenReceipts {
  readonly receipts: number;
  readonly entries: bigint;
}

/** @throws Error that names the first receipt that does not hold */
export function proveReceipts(folder: string, receipts: readonly KeptReceipt[]): ProvenReceipts {
  const { size, root } = publishedHead(folder);
  const byIndex = new Map(receipts.map((receipt) => [receipt.firstIndex, receipt]));
  const bySize = Map.groupBy(receipts, ({ treeSize }) => treeSize);
  const open = new Set(receipts);
  const tree = new MerkleTree();
  for (const entry of publishedEntries(folder, size)) {
    const receipt = byIndex.get(tree.size);
    if (receipt !== undefined) requireStatement(receipt, entry);
    tree.append(entry);
    for (const covered of bySize.get(tree.size) ?? []) {
      if (!equalBytes(tree.root(), covered.root)) throw broken(covered, 'the root is another');
      if (covered.firstIndex + BigInt(covered.count) >= tree.size) {
        throw broken(covered, 'its tree ends before its last action');
      }
      open.delete(covered);
    }
  }
  if (!equalBytes(tree.root(), root)) throw new Error('the entries do not give the published root');
  const [left] = open;
  if (left !== undefined) throw broken(left, 'no published tree reaches it');
  return { receipts: receipts.length, entries: size };
}

function publishedHead(folder: string): { size: bigint; root: Uint8Array } {
  return parseCheckpoint(new Uint8Array(readFileSync(join(folder, CHECKPOINT_PATH))));
}

function* publishedEntries(folder: string, size: bigint): Generator<Uint8Array> {
  for (let index = 0n; index * BigInt(TILE_WIDTH) < size; index++) {
    const width = tileWidth(0, index, size);
    const path = formatTilePath({ level: 'entries', index, width });
    yield* parseEntryBundle(new Uint8Array(readFileSync(join(folder, path))), width);
  }
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
