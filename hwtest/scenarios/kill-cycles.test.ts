import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, it } from 'mocha';

import { runKillCycles } from './kill-cycles.ts';
import { makeScratchFolder } from './scenario.ts';

const program = fileURLToPath(new URL('run-kill-cycles.ts', import.meta.url));

/** What a program that ended with another code than 0 leaves with `promisify(execFile)`. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
}

describe('kill cycles', function () {
  this.timeout(300_000);

  it('lose nothing that was acknowledged, on a disk that forgets what was not synced', () =>
    inScratchFolder(async (folder) => {
      const { kills, receipts, contradictions } = await runKillCycles({
        folder: join(folder, 'state'),
        cycles: 6,
        agents: 4,
      });
      assert.deepEqual(contradictions, []);
      assert.ok(kills >= 6);
      assert.ok(receipts >= kills, `only ${receipts} receipts`);
    }));

  it('find the loss where a sync is taken for done and is not', () =>
    inScratchFolder(async (folder) => {
      const words = ['--ignore-sync', '--cycles', '6', '--state', join(folder, 'state')];
      const run = promisify(execFile)(process.execPath, [program, ...words]);
      await assert.rejects(run, ({ code, stdout }: Ended) => {
        assert.equal(code, 1, stdout);
        assert.match(stdout, /, contradictions: 1\n {2}start after kill \d+ refused: /u);
        return true;
      });
    }));
});

async function inScratchFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = makeScratchFolder();
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
