import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { encodeEntry, formatEntryBundle, formatTilePath, ZERO_HASH } from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { openLog } from '../../src/base/log.ts';
import { treeSize } from '../../src/base/units.ts';
import { IndexFollower } from '../../src/evidence/index-follower.ts';

const entry = encodeEntry({
  kind: 'alarm',
  previousLeafHash: ZERO_HASH,
  time: {
    taiNs: 1n,
    monotonicRawNs: 1n,
    bootIndex: 1n,
    statisticalNs: null,
    adversarialNs: null,
    level: 'UNKNOWN',
    timeEvidenceIndex: null,
  },
  appliance: 0,
  code: 'test',
  message: 'an entry that refers to nothing',
});

describe('the index follower', () => {
  let folder: string;
  let lines: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = (): IndexFollower =>
    new IndexFollower(
      { path: join(folder, 'index.sqlite'), tiles: folder },
      openLog({ level: 'info', write: (line) => lines.push(line) }),
      () => lines.push('rebuild'),
    );

  function publish(width: number): void {
    const path = join(folder, formatTilePath({ level: 'entries', index: 0n, width }));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, formatEntryBundle(Array<Uint8Array>(width).fill(entry)));
  }

  it('is not sent back by a smaller tree that was published meanwhile', async () => {
    for (const width of [3, 5, 6]) publish(width);
    const follower = start();
    follower.follow(treeSize(5n));
    await follower.reached(treeSize(5n));
    follower.follow(treeSize(3n));
    follower.follow(treeSize(6n));
    await follower.reached(treeSize(6n));
    await follower.stop();
    assert.deepEqual(lines, []);
  });

  it('begins anew where the log is shorter than what an earlier run indexed', async () => {
    for (const width of [3, 5]) publish(width);
    const earlier = start();
    earlier.follow(treeSize(5n));
    await earlier.reached(treeSize(5n));
    await earlier.stop();
    const later = start();
    await later.ready();
    later.follow(treeSize(3n));
    while (!lines.includes('rebuild') || later.size !== 3n) await new Promise(setImmediate);
    await later.stop();
    assert.equal(lines.filter((line) => line === 'rebuild').length, 1);
  });
});
