import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';

const checkout = join(import.meta.dirname, '..', '..');

describe('mocha-reporter', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-reporter-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs mocha on a test file with this text; the file uses mocha's globals. */
  function run(text: string): { closing: string; stdout: string; stderr: string; status: number } {
    const file = join(folder, 'planted.test.mjs');
    writeFileSync(file, text);
    const program = join(checkout, 'node_modules', 'mocha', 'bin', 'mocha.js');
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [program, '--reporter-option', 'leakAfterMs=50', file],
      { cwd: checkout, encoding: 'utf8' },
    );
    return {
      closing: stdout.trimEnd().split('\n').at(-1) ?? '',
      stdout,
      stderr,
      status: status ?? -1,
    };
  }

  it('counts what passed, failed and was skipped in its last line', () => {
    const { closing, status, stdout } = run(`
      describe('planted', () => {
        it('passes', () => {});
        it('fails', () => { throw new Error('why', { cause: new Error('because') }); });
        it('waits: no device');
        it('skips', function () { this.skip(); });
      });`);
    assert.equal(closing, '1 passed, 1 failed, 2 skipped');
    assert.equal(status, 1);
    assert.match(stdout, /^ {2}- waits: no device \(skipped\)$/m);
    assert.match(stdout, /FAILED 1 fails\n {2}why\n/);
    assert.match(stdout, /FAILED 1: planted fails\n {2}Error: why\n[^]*cause: Error: because/);
  });

  it('ends well when nothing failed', () => {
    const { closing, status } = run("it('passes', () => {});");
    assert.deepEqual([closing, status], ['1 passed, 0 failed, 0 skipped', 0]);
  });

  it('counts a failing hook, and prints how values differ', () => {
    const { closing, status, stdout } = run(`
      import assert from 'node:assert/strict';
      describe('planted', () => {
        before(() => assert.deepEqual({ size: 1 }, { size: 2 }));
        it('is not reached', () => {});
      });`);
    assert.deepEqual([closing, status], ['0 passed, 1 failed, 0 skipped', 1]);
    assert.match(stdout, /FAILED 1: planted "before all" hook[^]*\+ {3}size: 1\n {2}- {3}size: 2/);
  });

  it('fails where there is no test', () => {
    const { closing, status } = run("describe('planted', () => {});");
    assert.deepEqual([closing, status], ['0 passed, 0 failed, 0 skipped', 1]);
  });

  it('fails and says what a test left open', () => {
    const { closing, status, stderr } = run(`
      import { createServer } from 'node:net';
      it('leaves a server', (done) => { createServer().listen(0, done); });`);
    assert.deepEqual([closing, status], ['1 passed, 0 failed, 0 skipped', 1]);
    assert.match(stderr, /left open: .*TCPServerWrap/);
  });
});
