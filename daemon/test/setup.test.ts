import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { missingOf } from '../tools/setup/debian.mjs';
import { holdLock } from '../tools/setup/lock.mjs';
import { runProgram } from '../tools/setup/steps.mjs';
import { digestOf } from '../tools/setup/stamps.mjs';
import { mochaArguments } from '../tools/setup/tests.mjs';

const tools = join(import.meta.dirname, '..', 'tools');

describe('setup', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-setup-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('refuses an unknown command and names those it knows', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(tools, 'setup.mjs'), 'fly'], {
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stderr, /unknown command 'fly': use one of start, test, build, prepare/);
  });

  it('knows which Debian packages are missing', () => {
    assert.deepEqual(missingOf(['dpkg', 'no-such-package-of-debian']), [
      'no-such-package-of-debian',
    ]);
  });

  it('sees a change of any input, its name and its absence', () => {
    const digest = digestOf(['package.json', 'tsconfig.base.json']);
    assert.equal(digestOf(['tsconfig.base.json', 'package.json']), digest);
    assert.notEqual(digestOf(['package.json']), digest);
    assert.notEqual(digestOf(['package.json', 'tsconfig.base.json', 'missing.json']), digest);
  });

  it('fails with all that a failing program said', () => {
    assert.throws(() => runProgram('sh', ['-c', 'echo out; echo err >&2; exit 3']), {
      exitCode: 1,
      message: "out\nerr\n\n'sh -c echo out; echo err >&2; exit 3' failed: exit code 3",
    });
    assert.throws(() => runProgram('no-such-program', []), /'no-such-program' did not start/);
  });

  it('runs every test unless files are named', () => {
    assert.ok(mochaArguments(['--grep', 'lock']).includes('daemon/**/*.test.ts'));
    assert.ok(!mochaArguments(['daemon/test/setup.test.ts']).includes('daemon/**/*.test.ts'));
  });

  it('holds one lock at a time, and gets that of a process that was killed', async () => {
    const lock = JSON.stringify(join(tools, 'setup', 'lock.mjs'));
    const script = `import { holdLock } from ${lock};
      await holdLock(process.argv[1]);
      console.log('held');`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, folder]);
    await once(holder.stdout, 'data');

    let held = false;
    const waiting = holdLock(folder).then((release) => {
      held = true;
      return release;
    });
    await holdLock(`${folder}/another`).then((release) => release());
    assert.equal(held, false);
    holder.kill('SIGKILL');
    await (
      await waiting
    )();
  });

  it('passes exit codes and signals of what it runs on', async () => {
    const program = join(folder, 'run.mjs');
    const pinned = JSON.stringify(join(tools, 'setup', 'pinned-node.mjs'));
    writeFileSync(
      program,
      `import { runOnPinnedNode } from ${pinned};\nawait runOnPinnedNode(['-e', process.argv[2]]);`,
    );
    const run = (script: string) => spawn(process.execPath, [program, script]);

    assert.deepEqual(await once(run('process.exit(7)'), 'exit'), [7, null]);
    assert.deepEqual(await once(run("process.kill(process.pid, 'SIGKILL')"), 'exit'), [
      null,
      'SIGKILL',
    ]);
    const patient = run(
      "process.on('SIGTERM', () => process.exit(5)); console.log('up'); setInterval(() => {}, 1e6)",
    );
    await once(patient.stdout, 'data');
    patient.kill('SIGTERM');
    assert.deepEqual(await once(patient, 'exit'), [5, null]);
  });
});
