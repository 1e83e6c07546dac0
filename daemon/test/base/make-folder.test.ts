import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, it } from 'mocha';

import { preloadLibrary } from '../../../hwtest/faults/preload.ts';
import { makeFolder } from '../../src/base/make-folder.ts';

const made = new URL('../../src/base/make-folder.ts', import.meta.url).href;

/** In a process of its own. */
async function makeIt(module: string, path: string): Promise<void> {
  const loaded = (await import(module)) as { makeFolder: (path: string, mode: number) => void };
  loaded.makeFolder(path, 0o700);
}

describe('makeFolder', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kudurru-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes the folder and its missing parents, each with the mode', () => {
    makeFolder(join(folder, 'a', 'b'), 0o700);
    assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, 'a', 'b')).mode & 0o777, 0o700);
  });

  it('leaves a folder that is there as it is', () => {
    makeFolder(join(folder, 'a'), 0o750);
    makeFolder(join(folder, 'a'), 0o700);
    assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o750);
  });

  it('makes each name durable in the folder above it', () => {
    const spare = mkdtempSync(join(tmpdir(), 'kudurru-spare-'));
    const plan = join(spare, 'plan');
    const trace = join(spare, 'trace');
    const lines = [
      ...['program make-folder', `state ${folder}`, `spare ${spare}`, `trace ${trace}`],
      ...['object none', 'seed 1', 'tear 0', 'class top .', 'class below *'],
    ];
    writeFileSync(plan, `${lines.join('\n')}\n`);
    const environment = { LD_PRELOAD: preloadLibrary('disk-faults'), DISK_FAULTS: plan };
    const words = [made, join(folder, 'a', 'b')];
    execFileSync(
      process.execPath,
      ['-e', `(${String(makeIt)})(...process.argv.slice(1))`, ...words],
      {
        env: { ...process.env, ...environment },
      },
    );
    const calls = readFileSync(trace, 'utf8')
      .split('\n')
      .map((line) => line.split('\t'))
      .filter(([word]) => word === 'pass')
      .map(([, call, fileClass]) => `${call} ${fileClass}`);
    rmSync(spare, { recursive: true });
    assert.deepEqual(calls, ['mkdir below', 'fsync top', 'mkdir below', 'fsync below']);
  });

  it('fails where a file is in the way', () => {
    writeFileSync(join(folder, 'a'), '');
    assert.throws(() => makeFolder(join(folder, 'a'), 0o700), { code: 'EEXIST' });
    assert.throws(() => makeFolder(join(folder, 'a', 'b'), 0o700), { code: 'ENOTDIR' });
  });

  it('fails in /proc, where a recursive mkdirSync never returns', () => {
    assert.throws(() => makeFolder('/proc/kudurru/state', 0o700), { code: 'ENOENT' });
  });
});
