import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import { formatTimeProfile } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import type { TimeView } from '../../daemon/src/control/time-views.ts';
import { askJson, type EnrolledAgent } from '../backends/control.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { labProfile, ptpSource } from '../drill/lab-profile.ts';
import type { Grandmaster } from '../lab/grandmaster.ts';
import { Lab, labRefusal } from '../lab/lab.ts';
import { kudurru } from './kudurru.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

const refusal = labRefusal();

interface History {
  readonly rows: readonly {
    readonly index: number;
    readonly level: string;
    readonly adversarialNs: string | null;
    readonly sources: readonly { readonly id: string; readonly state: string }[];
  }[];
}

describe(`time for people${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let lab: Lab;
  let grandmaster: Grandmaster;
  let clerk: EnrolledAgent;

  before(async function () {
    if (refusal !== null) this.skip();
    folder = makeScratchFolder();
    lab = await Lab.make();
    grandmaster = await lab.grandmaster({ name: 'grandmaster' });
    await Promise.all([grandmaster.start(), lab.client.start()]);
    await lab.client.untilPortState('SLAVE');
    makeOperatorKey(folder, 'ana');
    scenario = await Scenario.prepare();
    await command('provision', '--operator', 'ana=ana.pub');
    const file = join(folder, 'kudurru.toml');
    writeFileSync(file, `[time.sources.ptp]\nsocket = "${lab.client.socket}"\nintervalMs = 250\n`);
    const { environment } = lab.clientClock;
    await scenario.appliance.start({ flags: ['--config', file], environment });
    clerk = await scenario.enrol('clerk');
    await orderProfile();
  });
  after(async () => {
    if (refusal !== null) return;
    await scenario.end();
    await lab.end();
    rmSync(folder, { recursive: true });
  });

  it('shows a lock: windows, evidence, and what ptp4l says', async () => {
    let shown = '';
    await scenario.until(async () => {
      await act();
      shown = await command('time', '--once');
      return /^level +LOCKED: /mu.test(shown) && /: healthy; running, heard /u.test(shown);
    });
    assert.match(shown, /^time +\S+Z$/mu);
    assert.match(shown, /^windows +±\S+ \S+ statistical, ±\S+ \S+ adversarial; a lock is /mu);
    assert.match(shown, /^profile +lab, entry \d+$/mu);
    assert.match(
      shown,
      /^agreed +1 independent group of sources: right while none of them lies$/mu,
    );
    assert.match(shown, /^ptp {2}ptp, emulated, group grandmaster: /mu);
    assert.match(shown, /^ {2}offset +-?\S+ \S+ {2}[▁-█]+ .* … /mu);
    assert.match(shown, /^ {2}delay +\S+ \S+ {2}[▁-█]+ .* … /mu);
    assert.doesNotMatch(shown, /to do/u);
    await scenario.appliance.daemon.untilSaid('"timeLevel":"LOCKED"');
    assert.match(scenario.appliance.daemon.log, /"what":"level of time risen"/u);
  });

  it('gives programs the same as one object', async () => {
    const view = JSON.parse(await command('time', '--json')) as TimeView;
    assert.deepEqual(Object.keys(view), Object.keys(await now()));
    assert.deepEqual([view.clock, view.profile?.name, view.advice], ['evidence', 'lab', null]);
    const [ptp = assert.fail('no source')] = view.sources;
    assert.deepEqual([ptp.process, ptp.restarts, ptp.notes['started']], ['running', 0, 1]);
    assert.ok(ptp.samples.length > 0);
    assert.match(await command('status'), /^time +[A-Z]+: ±.* statistical, ±.* adversarial$/mu);
  });

  it('tells of a lost grandmaster', async () => {
    await grandmaster.ptp4l.kill();
    await scenario.until(async () => {
      await act();
      const { level, sources } = await now();
      return level === 'HOLDOVER' && sources[0]?.state === 'unhealthy';
    });
    const shown = await command('time', '--once');
    assert.match(shown, /^level +HOLDOVER: no source to follow/mu);
    assert.match(shown, /^ {2}problem +[a-z-]+: /mu);
    await scenario.appliance.daemon.untilSaid('"before":"LOCKED"');
    assert.match(scenario.appliance.daemon.log, /"what":"level of time fallen"/u);
  });

  it('has the history of it, as table, CSV and plot', async () => {
    const { rows } = JSON.parse(
      await command('time', 'history', '--json', '--last', '9999'),
    ) as History;
    assert.deepEqual(
      rows.map(({ index }) => index),
      rows.map(({ index }) => index).toSorted((left, right) => left - right),
    );
    const levels = new Set(rows.map(({ level }) => level));
    for (const level of ['UNKNOWN', 'LOCKED', 'HOLDOVER']) assert.ok(levels.has(level), level);
    const locked = rows.filter(({ level }) => level === 'LOCKED');
    for (const { adversarialNs, sources } of locked) {
      assert.ok(Number(adversarialNs) > 0);
      assert.deepEqual(
        sources.map(({ id, state }) => [id, state]),
        [['ptp', 'healthy']],
      );
    }
    const table = await command('time', 'history', '--level', 'LOCKED', '--last', '3');
    const [heading, ...lines] = table.trimEnd().split('\n');
    assert.match(heading ?? '', /^UTC +INDEX +CAUSE +LEVEL +STATISTICAL +ADVERSARIAL +SOURCES$/u);
    assert.equal(lines.length, Math.min(3, locked.length));
    for (const line of lines) assert.match(line, /Z +\d+ +[a-z-]+ +LOCKED +±.* +±.* ptp healthy$/u);
    const records = (await command('time', 'history', '--csv', '--last', '9999')).split('\r\n');
    assert.ok(records.length >= rows.length + 2);
    assert.match(records[0] ?? '', /^utc,tai_ns,index,kind,cause,level,statistical_ns,/u);
    await command('time', 'history', '--svg', 'time.svg');
    const svg = readFileSync(join(folder, 'time.svg'), 'utf8');
    assert.match(svg, /^<svg [^]*>HOLDOVER<[^]*<\/svg>\n$/u);
  });

  function now(): Promise<TimeView> {
    return askJson<TimeView>(scenario.appliance.controlSocket, '/v1/time');
  }

  async function act(): Promise<void> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...clerk });
    await agent.submit([someAction('timed')]);
  }

  async function orderProfile(): Promise<void> {
    const profile = labProfile([await ptpSource({ client: lab.client, grandmaster })]);
    writeFileSync(join(folder, 'profile.json'), formatTimeProfile(profile));
    await command('time', 'profile', 'order', 'profile.json', '-o', 'time.order');
    const words = ['-q', '-Y', 'sign', '-n', 'kudurru', '-f', 'ana', 'time.order'];
    execFileSync('ssh-keygen', words, { cwd: folder, stdio: 'ignore' });
    await command('time', 'profile', 'activate', '--authorisation', 'time.order.sig');
  }

  async function command(...words: readonly string[]): Promise<string> {
    const all = [...words, '--state', scenario.appliance.state];
    const { code, stdout, stderr } = await kudurru(all, { currentFolder: folder });
    assert.equal(code, 0, stderr);
    return stdout;
  }
});
