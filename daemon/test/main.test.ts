import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

import { SETTING_NAMES } from '../src/config/schema.ts';

describe('kudurrud', function () {
  this.timeout(60_000);
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-main-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('explains itself, and every setting, within the width of a terminal', () => {
    const { status, stdout, stderr } = run('--help');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    for (const name of SETTING_NAMES) assert.ok(stdout.includes(`, ${name}\n`), name);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
  });

  it('says its version', () => {
    assert.match(run('--version').stdout, /^kudurrud kudurru \d+\.\d+\.\d+\n$/u);
  });

  it('prints the settings in force as TOML that it reads again', () => {
    const { stdout } = run('--print-config', '--anchor-interval-ms', '3000');
    assert.match(stdout, /^anchorIntervalMs = 3000 {2}# --anchor-interval-ms$/mu);
    const file = join(folder, 'again.toml');
    writeFileSync(file, stdout);
    const again = run('--print-config', '--config', file);
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stdout, /^anchorIntervalMs = 3000 /mu);
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown flag', ['--verbose'], /--verbose/u],
    ['a word without flag', ['start'], /start/u],
    ['a value out of range', ['--sessions-max', '0'], /from 1 to 65536/u],
    ['a value that is missing', ['--state'], /--state/u],
  ];
  for (const [what, words, message] of wrong) {
    it(`ends with 2 for ${what}`, () => {
      const { status, stdout, stderr } = run(...words);
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
      assert.match(stderr, message);
    });
  }

  it('ends with 1 for a state folder that others can enter', () => {
    const state = join(folder, 'open');
    mkdirSync(state);
    chmodSync(state, 0o755);
    const { status, stderr } = run('--state', state);
    assert.equal(status, 1);
    assert.match(stderr, /state-folder-unusable.*chmod 700/u);
  });

  it('ends with 1 for a socket path that the kernel does not take', () => {
    const { status, stderr } = run('--agent-socket', join(folder, 'x'.repeat(108)));
    assert.equal(status, 1);
    assert.match(stderr, /socket-path-too-long/u);
  });

  function run(...words: readonly string[]) {
    const program = new URL('../src/main.ts', import.meta.url).pathname;
    return spawnSync(process.execPath, [program, ...words], { cwd: folder, encoding: 'utf8' });
  }
});
