import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { after, before, describe, it } from 'mocha';

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const startProgram = fileOf('../../tools/start.ts');
const kudurruProgram = fileOf('../../cli/kudurru.ts');

/** Three TPM anchors, a dozen processes and an MCP session, on a machine that is busy. */
const slow = 180_000;

/** One `npm start`, without the set-up before it. */
class Start {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(...words: string[]) {
    this.#child = spawn(process.execPath, [startProgram, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, as a terminal gives one.
      detached: true,
    });
    this.#child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until it says what to type next. */
  async ready(): Promise<void> {
    let code: number | null | undefined;
    void this.#ended.then((ended) => (code = ended));
    while (!this.stdout.includes('npx kudurru --help')) {
      assert.equal(code, undefined, `it ended early:\n${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.#ended;
  }

  /** Ctrl-C reaches every process of the group at once. */
  async interrupt(): Promise<number | null> {
    process.kill(-this.pid, 'SIGINT');
    return this.#ended;
  }
}

function kudurru(words: readonly string[]): { status: number | null; stdout: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [kudurruProgram, ...words], {
    encoding: 'utf8',
  });
  return { status, stdout: stdout + stderr };
}

/** A command line of this checkout's programs, for any folder. */
function asInstalled(command: string): string {
  const bin = fileOf('../../../node_modules/.bin/mcp-server-filesystem');
  return command
    .replaceAll('npx kudurru', `'${process.execPath}' '${kudurruProgram}'`)
    .replaceAll('npx mcp-server-filesystem', `'${process.execPath}' '${bin}'`);
}

/** Processes of this machine whose command line names `folder`. */
function processesAround(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map((name) => commandLineOf(name))
    .filter((line) => line.includes(folder));
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch (error) {
    // It ended between the two looks.
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

describe('start', () => {
  let folder: string;
  let state: string;
  let first: Start;

  before(async function () {
    this.timeout(slow);
    folder = mkdtempSync(join(tmpdir(), 'kudurru-start-'));
    state = join(folder, 'state');
    first = new Start('--state', state);
    await first.ready();
  });

  after(async () => {
    await first.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('records a real session, proves an action of it and shows a forgery', () => {
    assert.match(first.stdout, /list_directory[^\n]* ok\n/u);
    assert.match(first.stdout, /write_file[^\n]* ok\n/u);
    assert.match(first.stdout, /edit_file[^\n]* ok\n/u);
    assert.match(first.stdout, /outside\.txt[^\n]* refused: Access denied/u);
    assert.match(first.stdout, /missing\.txt[^\n]* refused: ENOENT/u);
    assert.match(first.stdout, /VALID \(emulated\) under the trust policy/u);
    assert.match(first.stdout, /"acceptLabels": \[/u);
    assert.match(first.stdout, /\n {3}INVALID\n {3}FAIL /u);
  });

  it('serves every command of the README, in its order', async function () {
    this.timeout(slow);
    const blocks = readFileSync(fileOf('../../../README.md'), 'utf8').matchAll(
      /^```sh\n([^]*?)^```$/gmu,
    );
    const lines = Array.from(blocks).flatMap(([, block = '']) => block.trimEnd().split('\n'));
    const commands = lines.filter((line) => line.startsWith('npx kudurru '));
    assert.ok(commands.length > 8);
    const folderOfCommands = mkdtempSync(join(folder, 'readme-'));
    for (const command of commands) {
      const { status, stderr } = spawnSync('sh', ['-c', asInstalled(command)], {
        cwd: folderOfCommands,
        env: { ...process.env, KUDURRU_STATE: state },
        encoding: 'utf8',
        input: '',
      });
      assert.equal(status, 0, `${command}\n${stderr}`);
    }
  });

  it('leaves a ledger that answers, and evidence that needs it no more', async function () {
    this.timeout(slow);
    const place = ['--state', state];
    assert.match(kudurru(['status', ...place]).stdout, /attestation +emulated/u);
    const found = kudurru(['search', '--agent', 'guide', '--json', ...place]);
    const { hits } = JSON.parse(found.stdout) as { hits: { envelope: { kind: string } }[] };
    assert.equal(hits.length, 12);
    assert.equal(hits.filter(({ envelope }) => envelope.kind === 'intent').length, 6);
    const bundle = join(folder, 'last.kudurru');
    assert.equal(kudurru(['prove', '--last', '-o', bundle, ...place]).status, 0);
    const older = join(folder, 'older.checkpoint');
    assert.equal(kudurru(['log', 'checkpoint', '-o', older, ...place]).status, 0);

    assert.equal(await first.interrupt(), 0, first.stderr);
    assert.deepEqual(processesAround(folder), []);
    const policy = ['--policy', join(state, 'tour', 'trust.json')];
    assert.match(kudurru(['verify', bundle, ...policy]).stdout, /^VALID \(emulated\)/u);
    const newer = join(folder, 'newer.checkpoint');
    assert.equal(kudurru(['log', 'checkpoint', '--since', older, '-o', newer, ...place]).status, 0);
    const compared = kudurru(['verify', '--consistent', older, newer, ...policy]);
    assert.match(compared.stdout, /^VALID: /u);
  });

  it('takes no tour the second time, and says so', async function () {
    this.timeout(slow);
    const second = new Start('--state', state);
    await second.ready();
    assert.match(second.stdout, /Tour +done before/u);
    assert.doesNotMatch(second.stdout, /An agent gets a name/u);
    assert.equal(await second.stop('SIGTERM'), 0);
    assert.deepEqual(processesAround(folder), []);
  });
});
