import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, it } from 'mocha';

const program = fileURLToPath(new URL('../../cli/kudurru.ts', import.meta.url));

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** Nothing is read of stdout, and it is closed at once. */
  readonly closesStdout?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

async function run(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...options.environment },
  });
  let stdout = '';
  let stderr = '';
  if (options.closesStdout === true) child.stdout.destroy();
  else child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  return { exitCode: await promise, stdout, stderr };
}

const commands = [
  'status',
  'agent enrol',
  'agent list',
  'agent show',
  'mcp',
  'submit',
  'search',
  'prove',
  'verify',
  'policy export',
  'log checkpoint',
  'time history',
  'fsck',
];

describe('kudurru', () => {
  it('lists its commands, and prints a whole page for each', async () => {
    const { exitCode, stdout } = await run(['--help']);
    assert.equal(exitCode, 0);
    for (const command of commands) assert.ok(stdout.includes(`\n       ${command} `), command);
    for (const command of commands) {
      const page = await run([...command.split(' '), '--help']);
      assert.equal(page.exitCode, 0);
      assert.equal(page.stderr, '');
      const sections = page.stdout.match(/^[A-Z]+(?: [A-Z]+)?$/gmu);
      assert.deepEqual(sections, [
        ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'EXAMPLES'],
      ]);
      assert.match(page.stdout, /--json\n/);
    }
  }).timeout(60_000);

  it('shows what stands below words that are no whole command, and below a command', async () => {
    for (const words of ['time profile', 'agent', 'tpm']) {
      const page = await run([...words.split(' '), '--help']);
      assert.equal(page.exitCode, 0, words);
      assert.equal(page.stderr, '');
      assert.deepEqual(page.stdout.match(/^[A-Z]+(?: [A-Z]+)?$/gmu), [
        ...['NAME', 'SYNOPSIS', 'COMMANDS'],
      ]);
    }
    const { stdout } = await run(['time', '--help']);
    const [, below = ''] = stdout.split('\nCOMMANDS\n');
    assert.match(below, /^ +time profile show {2}/mu);
    assert.match(below, /^ +time profile order {2}/mu);
    const refused = await run(['time', 'profile']);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /"time profile" wants more\n.*time profile show, /u);
    const misspelt = await run(['time', 'profle']);
    assert.equal(misspelt.exitCode, 2);
    assert.match(misspelt.stderr, /"time profle" is no command/u);
  }).timeout(60_000);

  it('names the nearest command and option, on stderr, with exit code 2', async () => {
    const cases: [string[], RegExp][] = [
      [['statsu'], /did you mean kudurru status\?/],
      [['agent', 'enroll'], /did you mean kudurru agent enrol\?|agent enrol/],
      [['prove', '--lats'], /did you mean --last\?/],
      [['prove'], /name one entry/],
      [['prove', '-1'], /unknown option|name one entry/],
      [['prove', '1.5'], /INDEX is a whole number/],
      [['verify', 'x'], /--policy is missing/],
      [['time', 'history', '--from', 'yesterday'], /--from is "yesterday", no time/],
      [['time', 'history', '--level', 'GOOD'], /there are UNKNOWN, .*ATTESTED/],
      [['time', 'history', '--csv', '--json'], /exclude each other/],
      [['time', 'history', '--last', '0'], /--last is 1 to 10000/],
      [[], /SYNOPSIS/],
    ];
    for (const [words, expected] of cases) {
      const { exitCode, stdout, stderr } = await run(words);
      assert.equal(exitCode, 2, words.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, expected);
    }
  }).timeout(60_000);

  it('says that no daemon is there, with exit code 4, and as JSON when asked', async () => {
    const plain = await run(['status', '--state', '/nowhere']);
    assert.equal(plain.exitCode, 4);
    assert.match(plain.stderr, /not reached at "\/nowhere\/control.sock"[^]*hint: is it running/);
    const json = await run(['search', '--state', '/nowhere', '--json']);
    assert.equal(json.exitCode, 4);
    assert.equal((JSON.parse(json.stderr) as { code: string }).code, 'daemon-unreachable');
  });

  it('refuses a key that others can read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-cli-'));
    try {
      const key = join(folder, 'key.pem');
      writeFileSync(key, 'whatever', { mode: 0o644 });
      const words = ['mcp', '--agent', 'spiffe://x/agent/y', '--key', key, '--', 'true'];
      const { exitCode, stderr } = await run(words);
      assert.equal(exitCode, 2);
      assert.match(stderr, /others than its owner reach it[^]*chmod 600/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('prints no colours to a pipe, and goes on in silence when nobody reads', async () => {
    const page = await run(['prove', '--help']);
    assert.equal(page.stdout.includes('\u001b'), false);
    const unread = await run(['prove', '--help'], { closesStdout: true });
    assert.deepEqual([unread.exitCode, unread.stderr], [0, '']);
  });
});
