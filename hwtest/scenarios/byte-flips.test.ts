import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { fsckScan } from '@kudurru/native';
import { after, before, describe, it } from 'mocha';

import { flipBytes, flipTable, makeStoppedLedger, type FileFlips } from './byte-flips.ts';
import { makeScratchFolder, scenarioTimeoutMs } from './scenario.ts';

const bytesOfLargeFile = 200;
const seed = 20_261_122;

describe('a byte that changed in the files of a ledger', function () {
  this.timeout(scenarioTimeoutMs);
  let scratch: string;
  let copy: string;

  before(async () => {
    scratch = makeScratchFolder();
    copy = join(scratch, 'state');
    await makeStoppedLedger(copy);
  });
  after(() => {
    rmSync(scratch, { recursive: true });
  });

  it('is found with its place, or its file is one that is made again', async () => {
    const flips = await flipBytes(copy, { bytesOfLargeFile, seed });
    process.stdout.write(flipTable(flips));
    const missed = flips.filter((flip: FileFlips) => flip.missed.length > 0);
    assert.deepEqual(missed, []);
    for (const part of ['journal', 'tile', 'devices']) {
      const files = flips.filter(({ file, flipped }) => file.startsWith(part) && flipped > 0);
      assert.ok(files.length > 0, part);
    }
    assert.ok(flips.some(({ file, rebuildable }) => file === 'checkpoint' && rebuildable > 0));
    const { findings } = await fsckScan(copy);
    assert.deepEqual(findings.list, []);
  });
});
