import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';

import { indexFolderOf } from '../../../src/evidence/index/builder.ts';
import { checkIndex, type IndexReport } from '../../../src/evidence/index/check.ts';
import { nameOf, type IndexFile } from '../../../src/evidence/index/files.ts';
import { buildIndex, LEDGER_ID, SHAPE } from './built-index.ts';
import { madeLog, publishLog } from './made-log.ts';

const ENTRIES = SHAPE.merged + SHAPE.segment + 10;

describe('the check of the search index', () => {
  let folder: string;
  let entries: Uint8Array[];
  let files: readonly IndexFile[];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-index-'));
    entries = madeLog(ENTRIES, 31);
    publishLog(folder, entries);
    files = await buildIndex(folder, ENTRIES);
  });
  after(() => rmSync(folder, { recursive: true }));

  const check = (size = ENTRIES): Promise<IndexReport> =>
    checkIndex({ state: folder, ledgerId: LEDGER_ID, size, shape: SHAPE });
  const pathOf = (name: string): string => join(indexFolderOf(folder), name);

  it('finds nothing in what was built, and compares all of it', async () => {
    const held = ENTRIES - (ENTRIES % SHAPE.segment);
    assert.deepEqual(await check(), { files: 2, entries: held, isComplete: true, findings: [] });
  });

  it('finds any byte that was changed', async () => {
    const [, file] = files;
    assert.ok(file !== undefined);
    const bytes = readFileSync(pathOf(file.name));
    const places = fc.nat({ max: bytes.length - 1 });
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (at, by) => {
        writeFileSync(pathOf(file.name), bytes.with(at, (bytes[at] ?? 0) ^ by));
        const { findings } = await check();
        assert.equal(findings.length, 1);
        assert.match(findings[0]?.problem ?? '', /is not what was written/u);
      }),
      { numRuns: 20 },
    );
    writeFileSync(pathOf(file.name), bytes);
  });

  it('names the first difference of a file whose digest is another, too', async () => {
    const [file] = files;
    assert.ok(file !== undefined);
    const was = readFileSync(pathOf(file.name));
    change(pathOf(file.name), "UPDATE action SET operation = 'forged' WHERE idx IN (700, 800)");
    const { findings } = await check();
    writeFileSync(pathOf(file.name), was);
    assert.deepEqual(findings, [
      {
        code: 'index-wrong',
        path: join('index', file.name),
        entry: 700,
        problem:
          'is not what was written: its digest is another; ' +
          'it says of entry 700 what the log does not',
      },
    ]);
  });

  const forgeries: readonly (readonly [sql: string, problem: RegExp])[] = [
    ["UPDATE action SET operation = 'forged' WHERE idx = 700", /says of entry 700/u],
    ['UPDATE action SET agent = 1 - min(agent, 1) WHERE idx = 700', /says of entry 700/u],
    ['DELETE FROM action WHERE idx = 700', /lacks entry 700/u],
    ['DELETE FROM anchor', /lacks entry \d+/u],
    ['UPDATE head SET idx = idx - 1', /another last action/u],
    ['INSERT INTO anchor VALUES (999999, 1)', /rows of no entry/u],
    ['UPDATE segment SET rows = rows + 1', /rows of no entry/u],
    ['DROP INDEX action_tool', /other tables and indexes/u],
    ['UPDATE segment SET last_leaf = zeroblob(32)', /another history/u],
    ['UPDATE segment SET ledger = zeroblob(32)', /another range or ledger/u],
  ];
  for (const [sql, problem] of forgeries) {
    it(`finds out: ${sql}`, async () => {
      const [file] = files;
      assert.ok(file !== undefined);
      const was = readFileSync(pathOf(file.name));
      change(pathOf(file.name), sql);
      const forged = readFileSync(pathOf(file.name));
      assert.notDeepEqual(forged, was, 'the forgery changes something');
      const digest = createHash('sha256').update(forged).digest('hex').slice(0, 32);
      const { name } = nameOf(file, digest);
      renameSync(pathOf(file.name), pathOf(name));
      const { findings } = await check();
      rmSync(pathOf(name));
      writeFileSync(pathOf(file.name), was);
      assert.deepEqual(
        findings.map(({ path }) => path),
        [join('index', name)],
      );
      assert.match(findings[0]?.problem ?? '', problem);
    });
  }

  it('says which entries have no file, above those that are in memory', async () => {
    const [file] = files;
    assert.ok(file !== undefined);
    const was = readFileSync(pathOf(file.name));
    rmSync(pathOf(file.name));
    const { findings } = await check();
    writeFileSync(pathOf(file.name), was);
    const problem = `has no file of the entries 0 to ${SHAPE.merged - 1}`;
    assert.deepEqual(findings, [{ code: 'index-missing', path: 'index', entry: 0, problem }]);
  });

  it('leaves alone what came while the log was read, and what is not to be compared', async () => {
    const options = { state: folder, ledgerId: LEDGER_ID, shape: SHAPE };
    const newer = await checkIndex({ ...options, size: SHAPE.merged, known: new Set() });
    assert.deepEqual([newer.entries, newer.findings], [SHAPE.merged, []]);
    const comparesRows = ({ first }: { readonly first: number }): boolean => first > 0;
    const some = await checkIndex({ ...options, size: ENTRIES, comparesRows });
    assert.deepEqual([some.files, some.entries, some.findings], [2, SHAPE.segment, []]);
  });

  it('ends early where it is told to, and says so', async () => {
    let asked = 0;
    const isStopped = (): boolean => ++asked > 2;
    const options = { state: folder, ledgerId: LEDGER_ID, shape: SHAPE, isStopped };
    const { isComplete, entries: done } = await checkIndex({ ...options, size: ENTRIES });
    assert.deepEqual([isComplete, done], [false, 2 * 256]);
  });

  it('finds files of a longer log, and what is no file of the index', async () => {
    writeFileSync(pathOf('notes.txt'), 'x');
    const { findings } = await check(SHAPE.merged);
    rmSync(pathOf('notes.txt'));
    assert.deepEqual(
      findings.map(({ problem }) => problem),
      ['is no file of the index', `is of a log that was longer than ${SHAPE.merged}`],
    );
  });
});

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}
