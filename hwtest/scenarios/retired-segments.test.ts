import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, renameSync, rmSync } from 'node:fs';
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
/** More than an entry bundle holds. */
const small = { actions: 600, inputBytes: 10 };

describe('retired segments', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let away: string;
  let first: bigint;

  before(async () => {
    away = makeScratchFolder();
    scenario = await Scenario.start(options);
    enrolled = await scenario.enrol('honest');
    first = await act('first');
    for (let count = 0; count < submissions; count++) await act(`${count}`, large);
    await act('small', small);
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

  async function retire(): Promise<{ code: number; stdout: string; stderr: string }> {
    const place = ['--state', scenario.appliance.state, '--to', away];
    const words = [commandProgram, 'log', 'retire', '--before', '1000000', ...place, '--json'];
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, words)) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  }
});
