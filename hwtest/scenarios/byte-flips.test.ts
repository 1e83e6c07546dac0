import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import { fsckScan } from '@kudurru/native';
import { after, before, describe, it } from 'mocha';

import { flipBytes, flipTable, type FileFlips } from './byte-flips.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

/** Behind the last record of the newest segment; the rest of its zeros is cut off the copy. */
const zerosKeptBytes = 65_536;
const bytesOfLargeFile = 200;
const seed = 20_261_122;

describe('a byte that changed in the files of a ledger', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let scratch: string;
  let copy: string;

  before(async () => {
    scenario = await Scenario.start();
    const enrolled = await scenario.enrol('writer');
    for (let run = 0; run < 2; run++) {
      const agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
      for (let turn = 0; turn < 6; turn++) {
        const actions = Array.from({ length: 40 }, (_, at) => someAction(`${run} ${turn} ${at}`));
        await agent.submit(actions, { level: 'anchored' });
      }
      agent.destroy();
      await scenario.appliance.daemon.stop();
      if (run === 0) await scenario.appliance.start();
    }
    scratch = makeScratchFolder();
    copy = join(scratch, 'state');
    copyState(scenario.appliance.state, copy);
    const { end } = await fsckScan(copy);
    const newest = join(copy, 'journal', `${String(end.segment).padStart(8, '0')}.journal`);
    truncateSync(newest, Number(end.offset) + zerosKeptBytes);
  });
  after(async () => {
    rmSync(scratch, { recursive: true });
    await scenario.end();
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

/** Files and folders, without the sockets. */
function copyState(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const name of readdirSync(from)) {
    if (statSync(join(from, name)).isSocket()) continue;
    cpSync(join(from, name), join(to, name), {
      recursive: true,
      filter: (path) => !statSync(path).isSocket(),
    });
  }
}
