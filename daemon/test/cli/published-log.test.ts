import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import {
  concatBytes,
  encodeUtf8,
  formatCheckpoint,
  formatEntryBundle,
  formatTilePath,
  leafHash,
  rootOfLeafHashes,
  type TreeHead,
} from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { PublishedLog } from '../../cli/published-log.ts';

const origin = 'test.example/log';
const leaves = Array.from({ length: 300 }, (_, index) => leafHash(encodeUtf8(`entry ${index}`)));
const headAt = (size: number): TreeHead => ({
  origin,
  size: BigInt(size),
  root: rootOfLeafHashes(leaves.slice(0, size)),
});
const noteAt = (size: number): Uint8Array =>
  formatCheckpoint(headAt(size), [
    { name: origin, keyId: new Uint8Array(4), signature: new Uint8Array(64) },
  ]);

describe('published-log', () => {
  let folder: string;
  let log: PublishedLog;

  const write = (path: string, bytes: Uint8Array): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-published-'));
    log = new PublishedLog(folder);
    const hashTile = (index: bigint, hashes: readonly Uint8Array[]): void => {
      const name = { level: 0, index, width: hashes.length };
      write(formatTilePath(name), concatBytes(...hashes));
    };
    hashTile(0n, leaves.slice(0, 256));
    hashTile(1n, leaves.slice(256));
    const top = rootOfLeafHashes(leaves.slice(0, 256));
    write(formatTilePath({ level: 1, index: 0n, width: 1 }), top);
    const entries = Array.from({ length: 256 }, (_, at) => encodeUtf8(`entry ${at}`));
    write(formatTilePath({ level: 'entries', index: 0n, width: 256 }), formatEntryBundle(entries));
    write('checkpoint', noteAt(300));
  });

  after(() => rmSync(folder, { recursive: true }));

  it('shows growth to a published tree, and where partial tiles were filled since', async () => {
    assert.deepEqual(await log.checkpoint(), noteAt(300));
    for (const size of [0, 1, 100, 256, 257, 299, 300]) {
      await log.grownSince(headAt(size), noteAt(300));
    }
    await log.grownSince(headAt(3), noteAt(200));
  });

  it('gives the entries of a partial bundle that was filled since', async () => {
    const bytes = await log.tile(formatTilePath({ level: 'entries', index: 0n, width: 2 }));
    assert.deepEqual(bytes, formatEntryBundle([encodeUtf8('entry 0'), encodeUtf8('entry 1')]));
    const missing = formatTilePath({ level: 'entries', index: 1n, width: 2 });
    await assert.rejects(log.tile(missing), { code: 'ENOENT' });
  });

  it('hands out nothing for a log that is not the same one grown', async () => {
    const other = { ...headAt(100), root: new Uint8Array(32) };
    const contradicts = { code: 'log-inconsistent', exitCode: 1 };
    await assert.rejects(log.grownSince(other, noteAt(300)), contradicts);
    await assert.rejects(log.grownSince(headAt(300), noteAt(200)), contradicts);
    const elsewhere = { ...headAt(100), origin: 'other.example/log' };
    await assert.rejects(log.grownSince(elsewhere, noteAt(300)), contradicts);
  });

  it('says that nothing is published', async () => {
    const empty = new PublishedLog(join(folder, 'nothing'));
    await assert.rejects(empty.checkpoint(), { code: 'not-found', exitCode: 1 });
  });
});
