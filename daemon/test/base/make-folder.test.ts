import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, it } from 'mocha';

import { makeFolder } from '../../src/base/make-folder.ts';

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

  it('fails where a file is in the way', () => {
    writeFileSync(join(folder, 'a'), '');
    assert.throws(() => makeFolder(join(folder, 'a'), 0o700), { code: 'EEXIST' });
    assert.throws(() => makeFolder(join(folder, 'a', 'b'), 0o700), { code: 'ENOTDIR' });
  });

  it('fails in /proc, where a recursive mkdirSync never returns', () => {
    assert.throws(() => makeFolder('/proc/kudurru/state', 0o700), { code: 'ENOENT' });
  });
});
