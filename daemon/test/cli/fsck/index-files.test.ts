import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'mocha';

import type { FsckReport } from '@kudurru/native';

import { aboutFile, FindingList, type Finding } from '../../../cli/fsck/finding.ts';
import { checkIndexFiles, type IndexOptions } from '../../../cli/fsck/index-files.ts';
import { namesOfIndex } from '../../../src/evidence/index/check.ts';
import { nameOf, parseName, type IndexFile } from '../../../src/evidence/index/files.ts';
import { buildIndex, LEDGER_ID, SHAPE } from '../../evidence/index/built-index.ts';
import { madeLog, publishLog } from '../../evidence/index/made-log.ts';

const ENTRIES = 3 * SHAPE.segment;

describe('the files of the index, checked', () => {
  let folder: string;
  let files: readonly IndexFile[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-fsck-index-'));
    publishLog(folder, madeLog(ENTRIES, 7));
    files = await buildIndex(folder, ENTRIES);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const pathOf = (file: number): string => join('index', files[file]?.name ?? '');

  async function found(
    options: Partial<IndexOptions> = {},
    list = new FindingList(),
  ): Promise<readonly Finding[]> {
    // As a scan of a whole journal reports it.
    const report = { ledgerId: LEDGER_ID, sizeChecked: BigInt(ENTRIES) } as FsckReport;
    const base = { folder, report, from: 0n, comparesRows: true, repairs: false, shape: SHAPE };
    await checkIndexFiles({ ...base, known: namesOfIndex(folder), ...options }, list);
    return list.list;
  }

  /** As somebody who can make a whole file, with a name that says so. */
  function forge(file: number, sql: string): string {
    const path = join(folder, pathOf(file));
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 32);
    const range = parseName(files[file]?.name ?? '');
    assert.ok(range !== null);
    const { name } = nameOf(range, digest);
    renameSync(path, join(folder, 'index', name));
    return join('index', name);
  }

  it('are what the log says', async () => {
    assert.equal(files.length, 3);
    assert.deepEqual(await found(), []);
  });

  it('say the file and the entry of a row that was changed, and go with --repair', async () => {
    const file = forge(1, "UPDATE action SET operation = 'forged' WHERE idx IN (300, 301, 302)");
    const [finding, ...more] = await found();
    assert.deepEqual(more, []);
    assert.deepEqual(
      [finding?.weight, finding?.code, finding?.file, finding?.entry],
      ['rebuildable', 'index-wrong', file, 300n],
    );
    assert.ok(existsSync(join(folder, file)), 'nothing is removed unasked');
    const [removed] = await found({ repairs: true });
    assert.match(removed?.message ?? '', /removed: the daemon makes it again/u);
    assert.equal(existsSync(join(folder, file)), false);
    assert.deepEqual(await buildIndex(folder, ENTRIES), files, 'as it was');
    assert.deepEqual(await found(), []);
  });

  it('say the entry of a row that is missing', async () => {
    const file = forge(2, 'DELETE FROM action WHERE idx = 700');
    const [finding] = await found();
    assert.deepEqual([finding?.file, finding?.entry], [file, 700n]);
    assert.match(finding?.message ?? '', /^it lacks entry 700; /u);
  });

  it('are of this ledger', async () => {
    const file = forge(0, 'UPDATE segment SET ledger = zeroblob(32)');
    const [finding] = await found();
    assert.deepEqual([finding?.code, finding?.file], ['index-wrong', file]);
    assert.match(finding?.message ?? '', /another range or ledger/u);
  });

  it('say which entries no file holds', async () => {
    rmSync(join(folder, pathOf(1)));
    const findings = await found();
    assert.deepEqual(
      findings.map(({ weight, code, entry }) => [weight, code, entry]),
      [['rebuildable', 'index-missing', 256n]],
    );
  });

  it('are compared by digest alone where a published bundle is not to be trusted', async () => {
    const bundle = 'tile/entries/000';
    const wrong = (): FindingList => {
      const list = new FindingList();
      list.add(aboutFile(bundle, 'rebuildable', ['tile-wrong', 'it was']));
      return list;
    };
    publishLog(folder, madeLog(SHAPE.segment, 8));
    assert.deepEqual(
      (await found({}, wrong())).map(({ file }) => file),
      [bundle],
    );
    // Somebody has written it anew, and then it counts.
    const repaired = await found({ repairs: true }, wrong());
    assert.ok(repaired.some(({ file }) => file === pathOf(0)));
  });
});
