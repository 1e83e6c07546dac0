import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import {
  CHECKPOINT_PATH,
  encodeEntry,
  formatCheckpoint,
  formatEntryBundle,
  formatTilePath,
  MerkleTree,
  sha256,
  type EntryHead,
} from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { proveReceipts } from '../../bench/proofs.ts';
import type { KeptReceipt } from '../../bench/receipts.ts';

const head: EntryHead = {
  previousLeafHash: new Uint8Array(32),
  time: {
    taiNs: 0n,
    monotonicRawNs: 0n,
    bootIndex: 1n,
    statisticalNs: null,
    adversarialNs: null,
    level: 'UNKNOWN',
    timeEvidenceIndex: null,
  },
  appliance: 0,
};

describe('proveReceipts', () => {
  const statement = new Uint8Array(100).fill(7);
  const entries = [alarm(0), statementEntry(statement), alarm(1), alarm(2)];
  const stop = new AbortController().signal;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-bench-'));
    publish(folder, entries);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const good: KeptReceipt = {
    connection: 0,
    count: 1,
    firstSequence: 0n,
    firstIndex: 1n,
    treeSize: 3n,
    root: rootOf(entries.slice(0, 3)),
    statementHash: sha256(statement),
  };
  const prove = async (change: Partial<KeptReceipt>): Promise<unknown> =>
    proveReceipts(folder, [{ ...good, ...change }], stop);

  it('holds a receipt that is right', async () => {
    assert.deepEqual(await prove({}), { receipts: 1, entries: 4n });
  });

  it('refuses another root, statement, place or size', async () => {
    await assert.rejects(prove({ root: rootOf(entries) }), /the root is another/u);
    await assert.rejects(prove({ statementHash: new Uint8Array(32) }), /another statement/u);
    await assert.rejects(prove({ firstIndex: 2n }), /a alarm entry stands there/u);
    await assert.rejects(prove({ treeSize: 5n }), /no published tree reaches it/u);
    await assert.rejects(prove({ count: 2 }), /ends before its last action/u);
  });

  it('refuses entries that do not give the published root', async () => {
    publish(folder, entries, rootOf(entries.slice(1)));
    await assert.rejects(prove({}), /do not give the published root/u);
  });
});

function alarm(number: number): Uint8Array {
  return encodeEntry({ ...head, kind: 'alarm', code: 'example', message: `number ${number}` });
}

function statementEntry(statement: Uint8Array): Uint8Array {
  const place = { sessionIndex: 0n, writerLevel: 'credentials' } as const;
  return encodeEntry({ ...head, kind: 'statement', ...place, statement });
}

function rootOf(entries: readonly Uint8Array[]): Uint8Array {
  const tree = new MerkleTree();
  for (const entry of entries) tree.append(entry);
  return tree.root();
}

function publish(folder: string, entries: readonly Uint8Array[], root = rootOf(entries)): void {
  const width = entries.length;
  const bundle = join(folder, formatTilePath({ level: 'entries', index: 0n, width }));
  mkdirSync(dirname(bundle), { recursive: true });
  writeFileSync(bundle, formatEntryBundle(entries));
  const head = { origin: 'example/log', size: BigInt(width), root };
  const signature = {
    name: head.origin,
    keyId: new Uint8Array(4),
    signature: new Uint8Array(64),
  };
  writeFileSync(join(folder, CHECKPOINT_PATH), formatCheckpoint(head, [signature]));
}
