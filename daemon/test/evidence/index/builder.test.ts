import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { IndexBuilder, indexFolderOf } from '../../../src/evidence/index/builder.ts';
import { endOf, type IndexFile } from '../../../src/evidence/index/files.ts';
import type { FromBuilder } from '../../../src/evidence/index/messages.ts';
import { Turns } from '../../../src/evidence/index/pace.ts';
import { buildIndex, LEDGER_ID, SHAPE } from './built-index.ts';
import { madeLog, publishLog } from './made-log.ts';

const ENTRIES = SHAPE.merged + 2 * SHAPE.segment + 10;

describe('the builder of the search index', () => {
  let folder: string;
  let heard: FromBuilder[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-index-'));
    heard = [];
    publishLog(folder, madeLog(ENTRIES, 11));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const names = (): string[] => readdirSync(indexFolderOf(folder)).toSorted();
  const pathOf = (name: string): string => join(indexFolderOf(folder), name);
  const rebuilt = (): string[] =>
    heard.flatMap((message) => (message.kind === 'rebuilding' ? [message.reason] : []));

  async function build(): Promise<readonly IndexFile[]> {
    heard = [];
    const files = await buildIndex(folder, ENTRIES, heard);
    assert.deepEqual(
      heard.filter(({ kind }) => kind === 'failed'),
      [],
    );
    return files;
  }

  it('makes one file a range, the newest first, of nothing but the log', async () => {
    const files = await build();
    const built = heard.flatMap((message) => (message.kind === 'built' ? [message.entries] : []));
    assert.deepEqual(built, [SHAPE.segment, SHAPE.segment, SHAPE.merged]);
    assert.deepEqual(
      names(),
      files.map(({ name }) => name),
    );
    rmSync(indexFolderOf(folder), { recursive: true });
    assert.deepEqual(await build(), files, 'the same bytes again');
  });

  it('merges small files into what would have been built at once', async () => {
    const whole = await build();
    rmSync(indexFolderOf(folder), { recursive: true });
    for (let size = SHAPE.segment; size < ENTRIES; size += SHAPE.segment) {
      await buildIndex(folder, size);
    }
    const merged = await build();
    assert.deepEqual(merged.map(endOf), whole.map(endOf));
    assert.deepEqual(rebuilt(), []);
  });

  it('goes on where it was, and does nothing twice', async () => {
    const files = await build();
    assert.deepEqual(await build(), files);
    assert.deepEqual(
      heard.map(({ kind }) => kind),
      ['files'],
    );
  });

  it('removes what has no place: half-made, former, foreign', async () => {
    const files = await build();
    for (const name of ['building.sqlite', 'notes.txt']) writeFileSync(pathOf(name), 'x');
    mkdirSync(pathOf('folder'));
    writeFileSync(join(folder, 'index.sqlite'), 'of an earlier version');
    await build();
    assert.deepEqual(
      names(),
      files.map(({ name }) => name),
    );
    assert.ok(!existsSync(join(folder, 'index.sqlite')));
  });

  it('makes again what was deleted, damaged, or is of another range or log', async () => {
    const files = await build();
    const [large, small] = files;
    assert.ok(large !== undefined && small !== undefined);
    const harms: readonly (() => void)[] = [
      () => rmSync(pathOf(large.name)),
      () => writeFileSync(pathOf(large.name), ''),
      () => writeFileSync(pathOf(large.name), readFileSync(pathOf(large.name)).subarray(0, 9000)),
      () => copyFileSync(pathOf(small.name), pathOf(large.name)),
      () => {
        rmSync(pathOf(small.name));
        renameSync(pathOf(large.name), pathOf(small.name));
      },
    ];
    for (const harm of harms) {
      harm();
      assert.deepEqual(await build(), files);
    }
  });

  it('compares the bytes of each file with its digest, once a run', async () => {
    const files = await build();
    const [large] = files;
    assert.ok(large !== undefined);
    const was = readFileSync(pathOf(large.name));
    const at = was.lastIndexOf('weigh');
    writeFileSync(pathOf(large.name), was.with(at, 'W'.charCodeAt(0)));
    const turns = new Turns(() => performance.now());
    heard = [];
    const builder = new IndexBuilder({
      ...{ state: folder, ledgerId: LEDGER_ID, size: ENTRIES, shape: SHAPE, checkPauseMs: 0 },
      ...{ turns, nowMs: () => performance.now() },
      tell: (message) => {
        heard.push(message);
        if (message.kind === 'built') turns.stop();
      },
    });
    builder.follow(ENTRIES);
    await builder.run();
    assert.deepEqual(rebuilt(), [`"${large.name}" is not what was written`]);
    assert.deepEqual(await build(), files);
    assert.deepEqual(readFileSync(pathOf(large.name)), was);
  });

  it('drops files of a longer log and of another history', async () => {
    await build();
    const shorter = SHAPE.merged + SHAPE.segment;
    const kept = await buildIndex(folder, shorter, heard);
    assert.equal(rebuilt().length, 1);
    assert.match(rebuilt()[0] ?? '', /of a log that was longer/u);
    publishLog(folder, madeLog(ENTRIES, 12));
    heard = [];
    const other = await buildIndex(folder, shorter, heard);
    assert.ok(rebuilt().every((reason) => /of another history/u.test(reason)));
    assert.equal(rebuilt().length, kept.length);
    assert.deepEqual(other.map(endOf), kept.map(endOf));
  });
});
