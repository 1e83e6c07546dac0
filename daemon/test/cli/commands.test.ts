import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  decodeBundle,
  decodeEntry,
  decodeUtf8,
  formatTilePath,
  parseCheckpoint,
} from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { writeResumeFile } from '../../cli/fsck/resume-file.ts';
import { Appliance, type RunningDaemon } from '../../../hwtest/backends/appliance.ts';

const program = fileURLToPath(new URL('../../cli/kudurru.ts', import.meta.url));

/** Keys are made in a software TPM, and some commands wait for an anchor. */
const slow = 120_000;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('commands', function () {
  this.timeout(slow);
  let folder: string;
  let appliance: Appliance;
  let daemon: RunningDaemon;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-commands-'));
    appliance = await Appliance.prepare(join(folder, 'state'));
    daemon = await appliance.start();
    const enrolled = kudurru(
      ...['agent', 'enrol', 'clerk', '--owner', 'Data Team', '--purpose', 'files reports'],
      ...['--new-key', 'clerk.pem', '--contact', 'data@example.org'],
    );
    assert.equal(enrolled.status, 0, enrolled.stderr);
  });

  after(async () => {
    await appliance.stop();
    rmSync(folder, { recursive: true });
  });

  /** As the agent `clerk`, in a folder of its own. */
  function kudurru(...words: string[]): Ended {
    return run(words, '');
  }

  function run(words: readonly string[], input: string): Ended {
    return spawnSync(process.execPath, [program, ...words], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        KUDURRU_STATE: join(folder, 'state'),
        KUDURRU_AGENT: 'clerk',
        KUDURRU_KEY: 'clerk.pem',
      },
      encoding: 'utf8',
      input,
    });
  }

  function json<Value>({ stdout }: Ended): Value {
    return JSON.parse(stdout) as Value;
  }

  it('enrol an agent once, with a key that only its owner reads', () => {
    assert.equal(statSync(join(folder, 'clerk.pem')).mode & 0o777, 0o600);
    const who = ['--owner', 'Other Team', '--purpose', 'x'];
    const again = kudurru('agent', 'enrol', 'clerk', ...who, '--key', 'clerk.pem');
    assert.equal(again.status, 1);
    assert.match(again.stderr, /clerk/u);
    const overwritten = kudurru('agent', 'enrol', 'two', ...who, '--new-key', 'clerk.pem');
    assert.equal(overwritten.status, 2);
    const named = kudurru('agent', 'enrol', 'Not A Name', ...who, '--new-key', 'x.pem');
    assert.equal(named.status, 2);
    const p256 = kudurru(
      ...['agent', 'enrol', 'p256', ...who, '--new-key', 'p256.pem', '--algorithm', 'p256'],
    );
    assert.equal(p256.status, 0, p256.stderr);
  });

  it('list and show agents', () => {
    const listed = json<{ name: string; algorithm: string }[]>(kudurru('agent', 'list', '--json'));
    assert.deepEqual(listed[0]?.name, 'clerk');
    assert.match(kudurru('agent', 'list').stdout, /^NAME +OWNER .*\nclerk +Data Team +Ed25519 /u);
    assert.match(kudurru('agent', 'show', 'clerk').stdout, /purpose +files reports/u);
    assert.doesNotMatch(kudurru('agent', 'show', 'clerk').stdout, /data@example.org/u);
    assert.equal(kudurru('agent', 'show', 'nobody').status, 1);
  });

  it('submit actions by flags and as JSON, and find them again', () => {
    writeFileSync(join(folder, 'question.txt'), 'Which source is the newest?');
    const words = ['--kind', 'intent', '--type', 'tool-call', '--operation', 'mail.send'];
    const intent = kudurru('submit', ...words, '--body', 'input=question.txt', '--json');
    assert.equal(intent.status, 0, intent.stderr);
    const { actions } = json<{ actions: { session: string; sequence: number; index: number }[] }>(
      intent,
    );
    const [first] = actions;
    assert.ok(first !== undefined);
    const outcome = {
      kind: 'outcome',
      actionType: 'tool-response',
      operation: 'mail.send',
      coverage: 'self-reported',
      intent: { session: first.session, sequence: first.sequence },
      status: 'failure',
      errorType: 'bounced',
      observedBy: 'agent',
      private: { error: 'no such mailbox' },
    };
    const observed = { ...outcome, kind: 'observation', status: undefined, intent: undefined };
    const input = JSON.stringify([outcome, observed]);
    const submitted = run(['submit', '--stdin', '--anchored'], input);
    assert.equal(submitted.status, 0, submitted.stderr);
    assert.match(submitted.stdout, /anchored +entry \d+\n/u);
    const found = kudurru('search', '--operation', 'mail.send', '--kind', 'outcome', '--json');
    const { hits } = json<{ hits: { envelope: { errorType: string } }[] }>(found);
    assert.deepEqual(
      hits.map(({ envelope }) => envelope.errorType),
      ['bounced'],
    );
    assert.equal(kudurru('search', '--operation', 'nothing').status, 1);
    assert.match(kudurru('search').stdout, /^INDEX +TIME +KIND +OPERATION/u);
  });

  it('refuse actions that are none, before anything is sent', () => {
    const base = ['submit', '--type', 'tool-call', '--operation', 'x'];
    assert.match(kudurru(...base, '--kind', 'wish').stderr, /kind/u);
    assert.equal(kudurru(...base, '--kind', 'wish').status, 2);
    assert.match(kudurru(...base, '--kind', 'outcome').stderr, /intent/u);
    assert.equal(run(['submit', '--stdin'], '{').status, 2);
    assert.equal(run(['submit', '--stdin'], '[]').status, 1);
    assert.equal(kudurru(...base, '--kind', 'intent', '--body', 'what=question.txt').status, 2);
    assert.equal(kudurru(...base, '--kind', 'intent', '--body', 'input=missing').status, 2);
  });

  it('prove by index, place and newest, with the private bytes or without', () => {
    kudurru('submit', '--kind', 'observation', '--type', 'decision', '--operation', 'choose');
    const { hits } = json<{ hits: { index: number }[] }>(kudurru('search', '--json'));
    const [newest] = hits;
    assert.ok(newest !== undefined);
    const byIndex = kudurru('prove', String(newest.index), '-o', 'by-index', '--json');
    assert.equal(byIndex.status, 0, byIndex.stderr);
    assert.equal(kudurru('prove', '--last', '-o', 'last', '--no-disclose').status, 0);
    assert.equal(kudurru('prove', '999999999').status, 1);
    assert.equal(kudurru('prove', '--session', '00'.repeat(32), '--sequence', '0').status, 1);
    const accepted = ['--accept', 'emulated', '--time-level', 'UNKNOWN'];
    assert.equal(kudurru('policy', 'export', ...accepted, '-o', 'trust.json').status, 0);
    for (const bundle of ['by-index', 'last']) {
      const { status, stdout } = kudurru('verify', bundle, '--policy', 'trust.json');
      assert.equal(status, 0, stdout);
    }
    assert.equal(kudurru('policy', 'export', '-o', 'strict.json').status, 0);
    assert.equal(kudurru('verify', 'last', '--policy', 'strict.json').status, 3);
    assert.equal(kudurru('policy', 'export', '--accept', 'any').status, 2);
  });

  it('open the private bytes of the action alone, not what the ledger knows of people', () => {
    writeFileSync(join(folder, 'question.txt'), 'a question');
    const action = ['--kind', 'observation', '--type', 'decision', '--operation', 'choose'];
    kudurru('submit', ...action, '--body', 'input=question.txt');
    assert.equal(kudurru('prove', '--last', '-o', 'opened').status, 0);
    const { disclosures, entry, others } = decodeBundle(readFileSync(join(folder, 'opened')));
    assert.deepEqual(
      disclosures.map(({ field, bytes }) => [field, decodeUtf8(bytes)]),
      [['input', 'a question']],
    );
    assert.equal(decodeEntry(entry).kind, 'action');
    // The bytes of others were there to be opened: who to reach, and which process wrote.
    const committed = others.flatMap(({ entry: bytes }) => {
      const other = decodeEntry(bytes);
      return 'commitments' in other ? other.commitments.map(({ field }) => field) : [];
    });
    assert.ok(committed.includes('ownerContact') && committed.includes('writerFacts'));
  });

  it('show what an agent wrote without obeying it', () => {
    const operation = 'clear\u009b2J\u202ebackwards';
    const action = ['submit', '--kind', 'observation', '--type', 'decision'];
    assert.equal(kudurru(...action, '--operation', operation).status, 0);
    const { stdout } = kudurru('search', '--limit', '1');
    assert.ok(stdout.includes(String.raw`clear\u{9b}2J\u{202e}backwards`), stdout);
  });

  it('tell the state of the daemon', () => {
    const { stdout } = kudurru('status');
    for (const label of [
      'daemon',
      'ledger',
      'log',
      'anchor',
      'time',
      'writers',
      'memory dumps',
      'agents',
      'index',
      'disk',
    ]) {
      assert.match(stdout, new RegExp(`^${label} `, 'mu'));
    }
    const { state, agents } = json<{ state: string; agents: number }>(kudurru('status', '--json'));
    assert.deepEqual([state, agents], ['running', 2]);
  });

  it('say that nothing bounds time without a profile, and what to do', () => {
    const { status, stdout } = kudurru('time');
    assert.equal(status, 0);
    assert.match(stdout, /^level +UNKNOWN: nothing bounds how wrong time is$/mu);
    assert.match(stdout, /^profile +none$/mu);
    assert.match(stdout, /^to do +time is the system clock's[^]*time profile order --help/mu);
    const told = json<Record<string, unknown>>(kudurru('time', '--json'));
    assert.deepEqual(
      [told['level'], told['adversarialNs'], told['clock'], told['profile'], told['sources']],
      ['UNKNOWN', null, 'system-clock', null, []],
    );
    const shown = /^time +UNKNOWN: nothing bounds the error$/mu;
    assert.match(kudurru('status').stdout, shown);
    for (const interval of ['0', '3601', 'x']) {
      assert.equal(kudurru('time', '--interval', interval).status, 2);
    }
  });

  it('show time live on a terminal until q, and wait for a daemon that is away', async () => {
    const command = `${process.execPath} ${program} time`;
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], TERM: 'xterm', KUDURRU_STATE: join(folder, 'state') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let screen = '';
    let look = (): void => undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      look();
    });
    const untilDrawn = (isSo: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        look = () => (isSo() ? resolve() : undefined);
        look();
      });
    const ended = Promise.withResolvers<number | null>();
    child.once('close', ended.resolve);
    // Twice: it is drawn in place, not one below the other.
    await untilDrawn(() => screen.split('q leaves').length > 2);
    await daemon.stop();
    await untilDrawn(() => screen.includes('daemon not reached at'));
    daemon = await appliance.start();
    const away = screen.length;
    await untilDrawn(() => screen.includes('by the system clock', away));
    child.stdin.end('q');
    assert.equal(await ended.promise, 0, screen);
    assert.ok(screen.startsWith('\u001b[?1049h\u001b[?25l\u001b[H'));
    const [, left = ''] = screen.split('\u001b[?25h\u001b[?1049l');
    assert.match(left, /^time +\S+Z by the system clock/u);
  });

  /** A check goes on with an earlier one of the same log, and with no other. */
  function resumeAndContradict(): void {
    const file = join(folder, 'fsck.resume');
    const again = ['fsck', 'state', '--json', '--resume', file];
    const { size, root, signatures } = json<Whole>(kudurru(...again));
    assert.ok(signatures > 0);
    const findings = { list: [], damages: 0n, rebuildables: 0n };
    const reached = {
      size: BigInt(size),
      root: new Uint8Array(Buffer.from(root, 'hex')),
      findings,
    };
    writeResumeFile(file, reached);
    const resumed = kudurru(...again);
    assert.equal(resumed.status, 0, resumed.stdout);
    assert.equal(json<Whole>(resumed).signatures, 0);
    assert.equal(existsSync(file), false);
    writeResumeFile(file, { ...reached, root: new Uint8Array(32) });
    const other = kudurru(...again);
    assert.equal(other.status, 1);
    assert.match(other.stdout, /resumed-log-differs/u);
    writeFileSync(file, '{}');
    assert.equal(kudurru(...again).status, 2);
    rmSync(file);
  }

  it('find damage in the files of a ledger, and say what it is', async () => {
    const action = ['--kind', 'observation', '--type', 'decision', '--operation', 'checked'];
    assert.equal(kudurru('submit', ...action).status, 0);
    const running = kudurru('fsck');
    assert.equal(running.status, 0, running.stdout);
    await daemon.stop();
    const whole = kudurru('fsck', 'state');
    assert.equal(whole.status, 0, whole.stdout);
    assert.match(whole.stdout, /stopped in order[^]*\nNo damage found\.\n$/u);
    assert.deepEqual(json<Found>(kudurru('fsck', 'state', '--json')).findings, []);
    resumeAndContradict();
    const damages: [string, number, (copy: string) => void][] = [
      ['record-damaged', 1, (copy) => flipByte(join(copy, 'journal'), 0.5)],
      ['checkpoint-wrong', 0, (copy) => flipByte(join(copy, 'checkpoint'), 0.3)],
      ['tile-wrong', 0, (copy) => flipByte(join(copy, publishedBundle(copy)), 0.5)],
      ['tile-missing', 0, (copy) => rmSync(join(copy, 'tile', '0'), { recursive: true })],
      ['device-keys-damaged', 1, (copy) => flipByte(join(copy, 'devices', 'tpm-keys'), 0.5)],
    ];
    for (const [at, [code, status, damage]] of damages.entries()) {
      const copy = join(folder, `copy-${at}`);
      cpSync(join(folder, 'state'), copy, { recursive: true, filter: isFile });
      damage(copy);
      const found = kudurru('fsck', copy);
      assert.equal(found.status, status, found.stdout);
      assert.match(found.stdout, new RegExp(`(?:DAMAGE|rebuildable): ${code}: "`, 'u'));
      const strict = kudurru('fsck', copy, '--json', '--strict');
      assert.equal(strict.status, 1);
      const portable = json<Found>(kudurru('fsck', copy, '--json', '--portable'));
      assert.deepEqual(placesOf(portable), placesOf(json<Found>(strict)));
      if (!code.startsWith('tile')) continue;
      assert.equal(kudurru('fsck', copy, '--repair').status, 0);
      assert.equal(kudurru('fsck', copy, '--strict').status, 0);
    }
    assert.equal(kudurru('fsck', folder).status, 1);
    assert.equal(kudurru('status').status, 4);
  });
});

interface Whole {
  readonly size: number;
  readonly root: string;
  readonly signatures: number;
}

interface Found {
  readonly findings: readonly {
    readonly code: string;
    readonly message: string;
  }[];
}

/** Without the words, which each scan has its own of. */
function placesOf({ findings }: Found): object[] {
  return findings.map(({ message, ...place }) => {
    assert.notEqual(message, '');
    return place;
  });
}

/** The entry bundle that the published checkpoint of a small log needs. */
function publishedBundle(state: string): string {
  const { size } = parseCheckpoint(readFileSync(join(state, 'checkpoint')));
  return formatTilePath({ level: 'entries', index: 0n, width: Number(size) });
}

/** Sockets are not copied. */
function isFile(path: string): boolean {
  return !statSync(path).isSocket();
}

/** Changes one bit of the file, or of the first file that the folder holds, that far into it. */
function flipByte(path: string, fraction: number): void {
  const [file = path] = statSync(path).isDirectory() ? filesUnder(path) : [];
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) * fraction);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name))
    .toSorted();
}
