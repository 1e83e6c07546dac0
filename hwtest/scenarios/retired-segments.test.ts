import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { connect } from '@kudurru/agent';
import { verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { askControl, type EnrolledAgent } from '../backends/control.ts';
import {
  commandProgram,
  makeScratchFolder,
  Scenario,
  scenarioTimeoutMs,
  someAction,
} from './scenario.ts';

/** The smallest segments; the load fills four of them. */
const options = { environment: { KUDURRU_SEGMENT_SIZE_MIB: '8' } };
const submissions = 12;
const large = { actions: 12, inputBytes: 240_000 };
const one = { actions: 1, inputBytes: 10 };
/** A body that comes in chunks. */
const chunked = { actions: 1, inputBytes: 600_000 };
const bundle = join('tile', 'entries', '000');
/** More than an entry bundle holds. */
const small = { actions: 600, inputBytes: 10 };

describe('retired segments', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let away: string;
  let first: bigint;
  let stays: bigint;

  before(async () => {
    away = makeScratchFolder();
    scenario = await Scenario.start(options);
    enrolled = await scenario.enrol('honest');
    first = await act('first');
    await act('first chunked', chunked);
    for (let count = 0; count < submissions; count++) await act(`${count}`, large);
    await act('small', small);
    stays = await act('last chunked', chunked);
  });
  after(async () => {
    await scenario.end();
    rmSync(away, { recursive: true });
  });

  it('are not moved while the daemon runs', async () => {
    const { code, stderr } = await retire();
    assert.equal(code, 1);
    assert.match(stderr, /stop the daemon first/u);
  });

  it('are moved by the command, and nothing is wrong without them', async () => {
    await scenario.appliance.daemon.stop();
    const { code, stdout, stderr } = await retire();
    assert.equal(code, 0, stderr);
    const { moved } = JSON.parse(stdout) as { moved: number };
    assert.ok(moved >= 2, stdout);
    assert.equal(readdirSync(away).length, moved);
    await scenario.requireWhole();
  });

  it('are checked by the portable code with the same outcome', async () => {
    const whole = await sameByBoth();
    assert.deepEqual(whole['findings'], []);
    assert.ok(Number(whole['retiredEntries']) > 0 && Number(whole['bodiesRetired']) > 0);
  });

  const damages: readonly (readonly [code: string, file: () => string, at: () => number])[] = [
    ['entry-malformed', () => bundle, () => 2],
    ['statement-root', () => bundle, () => readFileSync(pathOf(bundle)).indexOf('test/scenario')],
    ['tile-wrong', () => bundle, () => readFileSync(pathOf(bundle)).length - 1],
    ['record-damaged', () => segment(0), () => 4096 + 60],
    ['body-mismatch', () => segment(0), chunkInOldest],
  ];
  for (const [code, file, at] of damages) {
    it(`have the same damage for both: ${code}`, async () => {
      const path = pathOf(file());
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.with(at(), (bytes[at()] ?? 0) ^ 1));
      const found = await sameByBoth().finally(() => writeFileSync(path, bytes));
      assert.ok(codesOf(found).includes(code), codesOf(found).join());
    });
  }

  it('have the same damage for both: a bundle that is missing', async () => {
    renameSync(pathOf(bundle), `${pathOf(bundle)}.away`);
    const found = await sameByBoth().finally(() =>
      renameSync(`${pathOf(bundle)}.away`, pathOf(bundle)),
    );
    assert.ok(codesOf(found).includes('bundle-missing'));
  });

  it('keep their entries provable; their bodies are not held', async () => {
    await scenario.appliance.start(options);
    assert.equal((await scenario.entriesOf('unclean-start')).length, 0);
    const { overall } = await verify(await scenario.bundle(first), await scenario.policy());
    assert.equal(overall, 'VALID');
    const { status, bytes } = await askControl(
      scenario.appliance.controlSocket,
      `/v1/entries/${first}/bodies/input`,
    );
    assert.equal(status, 404);
    assert.match(bytes.toString(), /not-held/u);
  });

  it('go on after a kill', async () => {
    const { daemon } = scenario.appliance;
    const index = await act('behind');
    await daemon.kill();
    await scenario.appliance.start(options);
    const { overall } = await verify(await scenario.bundle(index), await scenario.policy());
    assert.equal(overall, 'VALID');
    await act('and on');
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('may not be moved by hand', async () => {
    const journal = join(scenario.appliance.state, 'journal');
    const [oldest = ''] = readdirSync(journal).toSorted();
    renameSync(join(journal, oldest), join(away, oldest));
    await assert.rejects(scenario.requireWhole(), /segment-missing/u);
    await sameByBoth();
    const daemon = scenario.appliance.launch(options);
    await assert.rejects(daemon.ready, /journal-corrupt/u);
    renameSync(join(away, oldest), join(journal, oldest));
    await scenario.requireWhole();
  });

  async function act(label: string, { actions, inputBytes } = one): Promise<bigint> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
    const input = label.padEnd(inputBytes, '.');
    const all = Array.from({ length: actions }, (_, at) => ({
      ...someAction(label),
      private: { input: `${at} ${input}` },
    }));
    return (await agent.submit(all)).statementIndex + 1n;
  }

  function retire(): Promise<Ended> {
    return kudurru('log', 'retire', '--before', `${stays}`, '--to', away);
  }

  /** What native and portable check say of the folder: the same, but for how fast, and in words. */
  async function sameByBoth(): Promise<Record<string, unknown>> {
    const [native, portable] = [await kudurru('fsck'), await kudurru('fsck', '--portable')];
    assert.equal(portable.code, native.code, portable.stderr);
    const facts = factsOf(native.stdout);
    assert.deepEqual(factsOf(portable.stdout), facts);
    return facts;
  }

  async function kudurru(...words: readonly string[]): Promise<Ended> {
    const all = [commandProgram, ...words, '--state', scenario.appliance.state, '--json'];
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, all)) };
    } catch (error) {
      return error as Ended;
    }
  }

  const pathOf = (file: string): string => join(scenario.appliance.state, file);

  /** Of those that are left, the oldest first. */
  function segment(place: number): string {
    const names = readdirSync(pathOf('journal')).filter((name) => /^\d+\.journal$/u.test(name));
    return join('journal', names.toSorted()[place] ?? '');
  }

  /** A byte of the first chunk in the oldest segment that is left. */
  function chunkInOldest(): number {
    const bytes = readFileSync(pathOf(segment(0)));
    for (let at = 4096; bytes.readUInt32BE(at) !== 0;) {
      if (bytes[at + 4] === 6) return at + 1000;
      at += Math.ceil((40 + bytes.readUInt32BE(at + 8)) / 8) * 8;
    }
    return assert.fail('no chunk is in the segment');
  }
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const codesOf = ({ findings }: Record<string, unknown>): string[] =>
  (findings as readonly { readonly code: string }[]).map(({ code }) => code);

function factsOf(json: string): Record<string, unknown> {
  const { seconds, entriesPerSecond, index, bytesDone, bytesTotal, ...facts } = JSON.parse(
    json,
  ) as Record<string, unknown> & { readonly findings: readonly { readonly message: string }[] };
  assert.ok(Number(seconds) > 0 && Number(entriesPerSecond) >= 0 && index !== null);
  assert.ok(Number(bytesDone) <= Number(bytesTotal));
  const findings = facts.findings.map(({ message, ...place }) => {
    assert.notEqual(message, '');
    return place;
  });
  return { ...facts, findings };
}
