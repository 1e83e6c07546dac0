import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { connect } from '@kudurru/agent';
import { verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { preloadLibrary } from '../faults/preload.ts';
import { commandProgram, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

/** The smallest segments; the load fills several of them. */
const options = { environment: { KUDURRU_SEGMENT_SIZE_MIB: '8' } };
const submissions = 16;
const actionsEach = 12;
const inputBytes = 240_000;
/** A file system in memory: another than that of the state folder. */
const memory = '/dev/shm';

interface Kill {
  readonly call: string;
  readonly fileClass: string;
  readonly fault: 'kill-before' | 'kill-after';
  readonly nth: number;
}

const kill = (
  fault: Kill['fault'],
  [call, fileClass]: readonly [call: string, fileClass: string],
  nth = 1,
): Kill => ({ call, fileClass, fault, nth });

/** Each goes on where the one before it was killed. */
const KILLS_OF_RENAMES: readonly Kill[] = [
  kill('kill-before', ['pwrite', 'segment']),
  kill('kill-after', ['fdatasync', 'segment'], 2),
  kill('kill-before', ['rename', 'away']),
  kill('kill-after', ['rename', 'away']),
  kill('kill-after', ['fsync', 'away-folder']),
  kill('kill-after', ['fsync', 'journal-folder']),
];

const KILLS_OF_COPIES: readonly Kill[] = [
  kill('kill-before', ['unlink', 'segment']),
  kill('kill-after', ['unlink', 'segment']),
];

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both outputs. */
  readonly said: string;
}

class Retiring {
  readonly scenario: Scenario;
  readonly away: string;
  readonly #scratch: string;
  readonly #enrolled: EnrolledAgent;
  #first = 0n;

  private constructor(scenario: Scenario, enrolled: EnrolledAgent, away: string) {
    this.scenario = scenario;
    this.away = away;
    this.#enrolled = enrolled;
    this.#scratch = mkdtempSync(join(tmpdir(), 'kudurru-retiring-'));
  }

  /** A ledger of several segments, stopped. @param away is made */
  static async start(folderOf: (scenario: Scenario) => string): Promise<Retiring> {
    const scenario = await Scenario.start(options);
    const away = folderOf(scenario);
    mkdirSync(away, { recursive: true });
    const retiring = new Retiring(scenario, await scenario.enrol('honest'), away);
    retiring.#first = await retiring.act(1);
    for (let count = 0; count < submissions; count++) await retiring.act(actionsEach);
    await retiring.act(600, 10);
    await scenario.appliance.daemon.stop();
    return retiring;
  }

  async end(): Promise<void> {
    await this.scenario.end();
    rmSync(this.#scratch, { recursive: true });
    rmSync(this.away, { recursive: true, force: true });
  }

  async act(actions: number, bytes = inputBytes): Promise<bigint> {
    const { agentSocket } = this.scenario.appliance;
    await using agent = await connect({ socketPath: agentSocket, ...this.#enrolled });
    const all = Array.from({ length: actions }, (_, at) => ({
      ...someAction('retired'),
      private: { input: `${at}`.padEnd(bytes, '.') },
    }));
    return (await agent.submit(all)).statementIndex + 1n;
  }

  /** The daemon starts on what is left, proves an old entry, and stops in order. */
  async requireDaemon(): Promise<void> {
    const { scenario } = this;
    await scenario.appliance.start(options);
    const { overall } = await verify(await scenario.bundle(this.#first), await scenario.policy());
    assert.equal(overall, 'VALID');
    await scenario.appliance.daemon.stop();
  }

  /** And goes on; all of it is whole. */
  async requireWhole(): Promise<void> {
    await this.requireDaemon();
    await this.scenario.appliance.start(options);
    await this.act(1, 10);
    await this.scenario.appliance.daemon.stop();
    await this.scenario.requireWhole();
  }

  moved(): string[] {
    return readdirSync(this.away).toSorted();
  }

  async retire(died?: Kill): Promise<Ended> {
    const { state } = this.scenario.appliance;
    const words = ['log', 'retire', '--before', '200', '--to', this.away, '--state', state];
    const environment = died === undefined ? {} : this.#planOf(died);
    const child = spawn(process.execPath, [commandProgram, ...words, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const [stdout, stderr, ended] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    const [code, signal] = ended as [number | null, NodeJS.Signals | null];
    return { code, signal, said: `${stdout}${stderr}` };
  }

  /** Watches all that is below the folder that holds the state folder and the other one. */
  #planOf({ call, fileClass, fault, nth }: Kill): Record<string, string> {
    const plan = join(this.#scratch, 'plan');
    const { state } = this.scenario.appliance;
    const spare = join(this.#scratch, 'spare');
    mkdirSync(spare, { recursive: true });
    const lines = [
      ...['program log retire', `state ${join(state, '..')}`, `spare ${spare}`, 'object none'],
      ...['seed 1', 'tear 50'],
      ...['class segment */journal/*.journal', 'class journal-folder */journal'],
      ...['class away away/*.journal', 'class away-folder away'],
      ...[`site ${call} ${fileClass} -`, `fault ${fault} ${nth}`],
    ];
    writeFileSync(plan, `${lines.join('\n')}\n`);
    return { LD_PRELOAD: preloadLibrary('disk-faults'), DISK_FAULTS: plan };
  }
}

describe('a retirement that is killed', function () {
  this.timeout(scenarioTimeoutMs);
  let retiring: Retiring;
  before(async () => {
    retiring = await Retiring.start(({ appliance }) => join(appliance.state, '..', 'away'));
  });
  after(() => retiring.end());

  for (const died of KILLS_OF_RENAMES) {
    const { call, fileClass, fault, nth } = died;
    it(`${fault} of ${call} ${nth} of ${fileClass}: the daemon goes on`, async () => {
      const { signal } = await retiring.retire(died);
      assert.equal(signal, 'SIGKILL');
      await retiring.requireDaemon();
    });
  }

  it('is finished by the same command', async () => {
    const { code, said } = await retiring.retire();
    assert.equal(code, 0, said);
    assert.ok(retiring.moved().length >= 3, retiring.moved().join());
    await retiring.requireWhole();
  });
});

describe('a retirement to another file system', function () {
  this.timeout(scenarioTimeoutMs);
  let retiring: Retiring;
  before(async function () {
    const isOther = existsSync(memory) && statSync(memory).dev !== statSync(tmpdir()).dev;
    if (!isOther) this.skip();
    retiring = await Retiring.start(() => mkdtempSync(join(memory, 'kudurru-retired-')));
  });
  after(() => retiring?.end());

  for (const died of KILLS_OF_COPIES) {
    it(`that is killed, ${died.fault} of ${died.call}, loses nothing`, async () => {
      const { signal } = await retiring.retire(died);
      assert.equal(signal, 'SIGKILL');
      await retiring.requireDaemon();
    });
  }

  it('copies whole segments, and removes them here only then', async () => {
    const { code, said } = await retiring.retire();
    assert.equal(code, 0, said);
    const there = retiring.moved();
    assert.ok(there.length >= 3, there.join());
    for (const [at, name] of there.entries()) {
      assert.equal(Number.parseInt(name, 10), at, 'no half copy is left');
      assert.ok(readFileSync(join(retiring.away, name)).subarray(0, 8).equals(magic));
    }
    const here = readdirSync(join(retiring.scenario.appliance.state, 'journal'));
    assert.deepEqual(
      there.filter((name) => here.includes(name)),
      [],
    );
    await retiring.requireWhole();
  });
});

const magic = Buffer.from('KUDURRUJ');
