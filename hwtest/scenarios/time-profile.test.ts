import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { AgentError, connect } from '@kudurru/agent';
import { formatTimeProfile, verify, type EntryOf, type TimeProfile } from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { PROFILE } from '../../daemon/proof/test/support/time-profiles.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { kudurru, type CommandEnd } from './kudurru.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

describe('levels of time that are required', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;

  beforeEach(async () => {
    folder = makeScratchFolder();
    makeOperatorKey(folder, 'ana');
    makeOperatorKey(folder, 'mallory');
    scenario = await Scenario.prepare();
    const provisioned = await command(['provision', '--operator', 'ana=ana.pub']);
    assert.equal(provisioned.code, 0, provisioned.stderr);
  });
  afterEach(async () => {
    await scenario.end();
    rmSync(folder, { recursive: true });
  });

  it('refuse the agents that the configuration names, and nobody else', async () => {
    const file = join(folder, 'kudurru.toml');
    writeFileSync(file, '[time.requireLevel]\ntrader = "LOCKED"\nnobody = "ATTESTED"\n');
    const flags = ['--config', file];
    await scenario.appliance.start({ flags });
    const [trader, clerk] = [await scenario.enrol('trader'), await scenario.enrol('clerk')];
    await requireTooLow(trader);
    await act(clerk);
    // By the entries of the log, not by what was enrolled in this run.
    await scenario.appliance.daemon.stop();
    await scenario.appliance.start({ flags });
    await requireTooLow(trader);
    await act(clerk);
    const { refusals } = await scenario.status();
    assert.equal(refusals['time-level'], 1);
  });

  it("follow a profile that operators have signed, and stay with the log's newest", async () => {
    await scenario.appliance.start();
    const clerk = await scenario.enrol('clerk');
    await act(clerk);
    await requireRefused('not-found', ['time', 'profile', 'show']);
    await order({ ...PROFILE, requireTimeLevel: 'LOCKED' });
    sign('mallory');
    await requireRefused('operator-unknown', activation);
    sign('ana');
    const done = await command(activation);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /in force by entry \d+, ordered by ana/u);
    await requireTooLow(clerk);
    await requireRefused('order-used', activation);
    const shown = await command(['time', 'profile', 'show']);
    assert.equal(shown.stdout, formatTimeProfile({ ...PROFILE, requireTimeLevel: 'LOCKED' }));
    await scenario.appliance.daemon.stop();
    await scenario.appliance.start();
    await requireTooLow(clerk);
    await order(PROFILE);
    sign('ana');
    assert.equal((await command(activation)).code, 0);
    const index = await act(clerk);
    const { overall, checks } = await verify(await scenario.bundle(index), await scenario.policy());
    const failed = checks.filter(({ outcome }) => outcome === 'fail');
    assert.equal(overall, 'VALID', JSON.stringify(failed));
    const profiles = (await scenario.entriesOf('time.profile')) as EntryOf<'time.profile'>[];
    assert.equal(profiles.length, 2);
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('refuse an order that is not the last one, or is of no profile', async () => {
    await scenario.appliance.start();
    await order(PROFILE);
    sign('ana');
    const [first, signature] = ['time.order', 'time.order.sig'].map((name) => {
      return readFileSync(join(folder, name));
    });
    await order({ ...PROFILE, name: 'another' });
    writeFileSync(join(folder, 'time.order'), first ?? '');
    writeFileSync(join(folder, 'time.order.sig'), signature ?? '');
    await requireRefused('nonce-unknown', activation);
    writeFileSync(join(folder, 'time.order'), 'no order');
    await requireRefused('order-malformed', activation);
    writeFileSync(join(folder, 'profile.json'), '{"version": 1}');
    const { code, stderr } = await command(['time', 'profile', 'order', 'profile.json']);
    assert.equal(code, 2);
    assert.match(stderr, /time profile/u);
  });

  const activation = ['time', 'profile', 'activate', '--authorisation', 'time.order.sig'];

  async function order(profile: TimeProfile): Promise<void> {
    writeFileSync(join(folder, 'profile.json'), formatTimeProfile(profile));
    const words = ['time', 'profile', 'order', 'profile.json', '-o', 'time.order'];
    const { code, stderr } = await command(words);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /to be signed by ana, carried out before/u);
  }

  function sign(operator: string): void {
    rmSync(join(folder, 'time.order.sig'), { force: true });
    const words = ['-q', '-Y', 'sign', '-n', 'kudurru', '-f', operator, 'time.order'];
    execFileSync('ssh-keygen', words, { cwd: folder, stdio: 'ignore' });
  }

  async function act(enrolled: EnrolledAgent): Promise<bigint> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
    const { actions } = await agent.submit([someAction('traded')]);
    return actions[0]?.index ?? 0n;
  }

  async function requireTooLow(enrolled: EnrolledAgent): Promise<void> {
    await assert.rejects(act(enrolled), (error) => {
      assert(error instanceof AgentError);
      assert.equal(error.code, 'time-level');
      assert.equal(error.retry, 'later');
      return true;
    });
  }

  async function requireRefused(code: string, words: readonly string[]): Promise<void> {
    const { code: exit, stderr } = await command([...words, '--json']);
    assert.equal(exit, 1, stderr);
    const last = stderr.trim().split('\n').at(-1) ?? '';
    assert.equal((JSON.parse(last) as { code: string }).code, code);
  }

  async function command(words: readonly string[]): Promise<CommandEnd> {
    const all = [...words, '--state', scenario.appliance.state];
    return kudurru(all, { currentFolder: folder });
  }
});
