import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { openLog } from '../../src/base/log.ts';
import { GrowthWatch, hourMs } from '../../src/compose/growth-watch.ts';

describe('growth watch', () => {
  let folder = '';
  const lines: string[] = [];
  const log = openLog({ level: 'error', write: (line) => lines.push(line) });
  let nowMs = 0;
  let size = 0n;
  const watchIt = (): GrowthWatch =>
    new GrowthWatch({ stateFolder: folder, size: () => size, nowMs: () => nowMs, log });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-growth-'));
    mkdirSync(join(folder, 'journal'));
    mkdirSync(join(folder, 'tile', 'entries'), { recursive: true });
    nowMs = 0;
    size = 512n;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const segment = (number: number, usedBytes: number, sizeBytes: number): void => {
    const path = join(folder, 'journal', `0000000${number}.journal`);
    writeFileSync(path, Buffer.alloc(usedBytes, 1));
    truncateSync(path, sizeBytes);
  };

  it('counts what is used of the journal, not what is allocated', async () => {
    segment(0, 100_000, 100_000);
    segment(1, 40_000, 1_000_000);
    const watch = watchIt();
    await watch.look();
    const used = 100_000 + Math.ceil(40_000 / 4096) * 4096;
    assert.equal(watch.bytesPerEntry.journal, used / 512);
  });

  it('measures bundles by the room they take, and the index by its files', async () => {
    segment(0, 10, 10);
    for (const name of ['000', '001']) {
      writeFileSync(join(folder, 'tile', 'entries', name), Buffer.alloc(50_000, 1));
    }
    writeFileSync(join(folder, 'index.sqlite'), Buffer.alloc(5120));
    mkdirSync(join(folder, 'index'));
    writeFileSync(join(folder, 'index', '0.sqlite'), Buffer.alloc(5120));
    const watch = watchIt();
    await watch.look();
    const { tiles, index } = watch.bytesPerEntry;
    const room = statSync(join(folder, 'tile', 'entries', '000')).blocks * 512;
    assert.ok(tiles !== null && Math.abs(tiles - room / 256 - 32.125) < 0.01);
    assert.equal(index, 20);
  });

  it('says how long the room lasts at the rate seen', async () => {
    segment(0, 512 * 1000, 512 * 1000);
    const watch = watchIt();
    await watch.look();
    assert.equal(watch.entriesPerSecond(hourMs), null);
    assert.equal(watch.daysUntilFull(1e9), null);
    nowMs = 1000;
    assert.equal(watch.daysUntilFull(1e9), null);
    size += 10n;
    assert.equal(watch.entriesPerSecond(hourMs), 10);
    const days = watch.daysUntilFull(1e9) ?? 0;
    assert.ok(Math.abs(days - 1e9 / ((1000 + 32.125) * 10 * 86_400)) < 0.001, String(days));
    assert.equal(watch.daysUntilFull(-1), 0);
  });

  it('forgets what is older than its window', async () => {
    segment(0, 10, 10);
    const watch = watchIt();
    await watch.look();
    nowMs = hourMs;
    size += 3600n;
    await watch.look();
    nowMs = hourMs + 10_000;
    size += 10n;
    assert.equal(watch.entriesPerSecond(hourMs), 1);
    assert.ok((watch.entriesPerSecond(2 * hourMs) ?? 0) > 1 - 0.01);
  });

  it('says so and goes on where a file cannot be read', async () => {
    rmSync(join(folder, 'journal'), { recursive: true });
    await watchIt().look();
    assert.match(lines.join(''), /growth not measured.*ENOENT/u);
  });

  it('measures what is added where the first segments are gone', async () => {
    segment(3, 8192, 100_000);
    const watch = watchIt();
    await watch.look();
    assert.equal(watch.bytesPerEntry.journal, null);
    segment(3, 40_960, 100_000);
    size += 32n;
    await watch.look();
    assert.equal(watch.bytesPerEntry.journal, 1024);
    // A new segment says nothing by its first look.
    segment(4, 8192, 100_000);
    size += 100n;
    await watch.look();
    assert.equal(watch.bytesPerEntry.journal, 1024);
  });
});
