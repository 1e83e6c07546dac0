import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';

import { indexFolderOf } from '../../../src/evidence/index/builder.ts';
import { checkIndex } from '../../../src/evidence/index/check.ts';
import { buildIndex, LEDGER_ID, SHAPE } from './built-index.ts';
import { madeLog, numbersFrom, publishLog } from './made-log.ts';

const ENTRIES = SHAPE.merged + SHAPE.segment;
const KILLS = 12;
/** More than the work has, so that some runs end by themselves. */
const STEPS = 70;
const program = fileURLToPath(new URL('./build-until-killed.ts', import.meta.url));

describe('the builder of the search index, killed', function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-index-'));
    publishLog(folder, madeLog(ENTRIES, 41));
  });
  after(() => rmSync(folder, { recursive: true }));

  it(`goes on without loss and without double rows, ${KILLS} times`, async () => {
    const draw = numbersFrom(41);
    let killed = 0;
    // The first kills come while small files are made, so that there is something to merge.
    for (let kill = 0; kill < KILLS; kill++) {
      const size = kill < KILLS / 2 ? SHAPE.segment * (1 + (kill % 4)) : ENTRIES;
      const { signal, status } = spawnSync(
        process.execPath,
        [program, folder, String(size), String(draw(STEPS))],
        { stdio: 'inherit' },
      );
      assert.ok(signal === 'SIGKILL' || status === 0);
      if (signal === 'SIGKILL') killed++;
      await checked(ENTRIES);
    }
    assert.ok(killed > 0);
    const files = await buildIndex(folder, ENTRIES);
    const names = readdirSync(indexFolderOf(folder)).toSorted();
    assert.deepEqual(
      names,
      files.map(({ name }) => name),
    );
    assert.equal((await checked(ENTRIES)).entries, ENTRIES);
  });

  /** What has a name is whole and right at any time; what is half made has none. */
  async function checked(size: number): Promise<{ readonly entries: number }> {
    const report = await checkIndex({ state: folder, ledgerId: LEDGER_ID, size, shape: SHAPE });
    const wrong = report.findings.filter(({ code }) => code === 'index-wrong');
    assert.deepEqual(wrong, []);
    return report;
  }
});
