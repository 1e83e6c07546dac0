import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { connect, type Action } from '@kudurru/agent';
import {
  auditTiles,
  CHECKPOINT_PATH,
  decodeEntry,
  parseCheckpoint,
  parseVerifierKey,
  TileReader,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
  type Checkpoint,
} from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { checkFiles, Scenario, scenarioTimeoutMs } from './scenario.ts';

/** Entries enough for two full tiles and their parent, and a part of a third. */
const actionCount = 700;
const action: Action = {
  kind: 'observation',
  actionType: 'decision',
  operation: 'test/tiles',
  coverage: 'self-reported',
};

describe('published tiles', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let state: string;
  let early: Checkpoint;
  let last: Checkpoint;

  before(async () => {
    scenario = await Scenario.start();
    ({ state } = scenario.appliance);
    early = publishedCheckpoint(state);
    const enrolled = await scenario.enrol('writer');
    await using agent = await connect({
      socketPath: scenario.appliance.agentSocket,
      ...enrolled,
    });
    await agent.submit(Array.from({ length: actionCount }, () => action));
    await agent.close();
    await scenario.appliance.stop();
    last = publishedCheckpoint(state);
  });
  after(() => scenario.end());

  const fetch = (path: string): Promise<Uint8Array> => readFile(join(state, path));

  it('give the signed root to a reader that has only @kudurru/proof', async () => {
    assert.ok(last.size > BigInt(actionCount));
    let logKey = '';
    await auditTiles(fetch, last, (index, bytes) => {
      const entry = decodeEntry(bytes);
      if (index === 0n && entry.kind === 'genesis') ({ logKey } = entry);
    });
    assert.equal(verifyNote(last.note, parseVerifierKey(logKey)), 'valid');
    assert.deepEqual(await new TileReader(fetch, last.size).root(), last.root);
  });

  it('prove entries and the growth since an early checkpoint', async () => {
    const reader = new TileReader(fetch, last.size);
    for (const index of [0n, 255n, 256n, 511n, last.size - 1n]) {
      const [leafHash] = await hashesOfEntries(reader, index);
      const path = await reader.inclusionProof(index);
      assert.ok(leafHash !== undefined);
      assert.ok(verifyInclusion({ leafHash, index, size: last.size, root: last.root }, path));
    }
    const path = await reader.consistencyProof(early.size);
    const [oldSize, newSize] = [early.size, last.size];
    const roots = { oldRoot: early.root, newRoot: last.root };
    assert.ok(verifyConsistency({ oldSize, newSize, ...roots }, path));
  });

  it('give the same root to a reader written from the C2SP text alone', () => {
    const size = Number(last.size);
    const leaves = readEntries(state, size).map((entry) => sha256(Buffer.of(0), entry));
    assert.equal(leaves.length, size);
    assert.deepEqual(rootOf(leaves), Buffer.from(last.root));
    // Every level: a tile's hashes are the roots of the full tiles below it.
    let hashes = leaves;
    for (let level = 0; hashes.length > 0; level++) {
      for (let index = 0; index * 256 < hashes.length; index++) {
        const expected = hashes.slice(index * 256, (index + 1) * 256);
        const tile = readFileSync(join(state, tilePath(String(level), index, expected.length)));
        assert.deepEqual(tile, Buffer.concat(expected), `tile ${level}/${index}`);
      }
      const full = Math.floor(hashes.length / 256);
      const below = hashes;
      hashes = Array.from({ length: full }, (_, at) =>
        rootOf(below.slice(at * 256, at * 256 + 256)),
      );
    }
  });

  it('are whole as a file check sees them', () => checkFiles(state));
});

function publishedCheckpoint(state: string): Checkpoint {
  return parseCheckpoint(new Uint8Array(readFileSync(join(state, CHECKPOINT_PATH))));
}

async function hashesOfEntries(reader: TileReader, index: bigint): Promise<Uint8Array[]> {
  const hashes: Uint8Array[] = [];
  for await (const entry of reader.entries(index, index + 1n)) {
    hashes.push(new Uint8Array(sha256(Buffer.of(0), entry)));
  }
  return hashes;
}

/** c2sp.org/tlog-tiles, "Log entries": each entry after its length, big-endian, in two bytes. */
function readEntries(prefix: string, size: number): Buffer[] {
  const entries: Buffer[] = [];
  for (let index = 0; index * 256 < size; index++) {
    const width = Math.min(256, size - index * 256);
    const bundle = readFileSync(join(prefix, tilePath('entries', index, width)));
    let at = 0;
    for (let left = width; left > 0; left--) {
      const end = at + 2 + bundle.readUInt16BE(at);
      assert.ok(end <= bundle.length, `bundle ${index} is cut`);
      entries.push(bundle.subarray(at + 2, end));
      at = end;
    }
    assert.equal(at, bundle.length, `bundle ${index} has bytes behind its last entry`);
  }
  return entries;
}

/** "Tiles": groups of three digits, all but the last behind an x; a partial one with its width. */
function tilePath(level: string, index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/gu) ?? [];
  const path = groups.map((group, at) => (at + 1 < groups.length ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === 256 ? '' : `.p/${width}`}`;
}

/** RFC 6962 §2.1, over leaf hashes: split at the largest power of two below the count. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  let half = 1;
  while (half * 2 < hashes.length) half *= 2;
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
