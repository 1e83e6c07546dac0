import assert from 'node:assert/strict';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { taiMinusUtcSeconds } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { isGone } from '../backends/process-state.ts';
import type { Grandmaster } from './grandmaster.ts';
import { Lab, labRefusal } from './lab.ts';

const ms = 1_000_000n;
const pollMs = 100;
const capSysTime = 25n;
const refusal = labRefusal();

/** Each test goes on from the state that the one before left. */
describe(`a lab${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(180_000);
  let lab: Lab;
  let grandmaster: Grandmaster;

  before(async function () {
    if (refusal !== null) this.skip();
    lab = await Lab.make();
    grandmaster = await lab.grandmaster({ name: 'grandmaster' });
  });
  after(async () => {
    if (refusal === null) await lab.end();
  });

  it('shows that clock to every process that shares it', async () => {
    const program = 'console.log(Date.now())';
    const environment = { ...process.env, ...lab.clientClock.environment };
    await lab.clientClock.step(3_600_000n * ms);
    const [early, said, late] = [
      await shownMs(),
      Number(execFileSync(process.execPath, ['-e', program], { env: environment })),
      await shownMs(),
    ];
    assert.ok(early <= said && said <= late, `${early} ${said} ${late}`);
    await lab.clientClock.step(-3_600_000n * ms);
  });

  it('has a client that steps and slews to the grandmaster, on a clock of its own', async () => {
    // More than 50 ppm: the servo then turns the tick too.
    await lab.clientClock.drift(120_000n);
    await lab.clientClock.step(50n * ms);
    const steps = await lab.clientClock.steps();
    await Promise.all([grandmaster.start(), lab.client.start()]);
    await lab.client.untilPortState('SLAVE');
    await until(async () => magnitude(await lab.clientClock.truthOffsetNs()) < ms);
    assert.ok((await lab.clientClock.steps()) > steps);
  });

  it('takes from its processes what could set the clock of the host', () => {
    for (const pid of lab.pids()) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const [, bounding = ''] = /^CapBnd:\t([0-9a-f]+)$/mu.exec(status) ?? [];
      assert.equal((BigInt(`0x${bounding}`) >> capSysTime) & 1n, 0n, status);
    }
  });

  it('knows the truth when a wire is longer one way, and the client does not', async () => {
    await lab.relay.delay('inbound', 20n * ms);
    await until(async () => {
      const offsetNs = await lab.clientClock.truthOffsetNs();
      const measured = (await lab.client.get('CURRENT_DATA_SET')).get('offsetFromMaster');
      const isContent = Math.abs(Number(measured)) < 2e6;
      return isContent && offsetNs < -8n * ms && offsetNs > -12n * ms;
    });
    await lab.relay.delay('inbound', 0n);
    await until(async () => magnitude(await lab.clientClock.truthOffsetNs()) < ms);
  });

  it('loses the messages it should, and no others', async () => {
    await lab.relay.drop('outbound', ['delay-request']);
    await until(async () => {
      const [came, sent] = [await received('Delay_Req'), await received('Sync', lab.client)];
      await until(async () => (await received('Sync', lab.client)) > sent + 8);
      return (await received('Delay_Req')) === came;
    });
    assert.equal(await lab.client.portState(), 'SLAVE');
    await lab.relay.drop('outbound', []);
    const came = await received('Delay_Req');
    await until(async () => (await received('Delay_Req')) > came);
  });

  it('lets a grandmaster claim what it likes', async () => {
    const utcOffset = taiMinusUtcSeconds(BigInt(Date.now()) * ms);
    await grandmaster.announce({ currentUtcOffset: utcOffset + 1, clockClass: 7 });
    const claimed = async (): Promise<string> => {
      const properties = await lab.client.get('TIME_PROPERTIES_DATA_SET');
      const parent = await lab.client.get('PARENT_DATA_SET');
      return `${properties.get('currentUtcOffset')}, ${parent.get('gm.ClockClass')}`;
    };
    await until(async () => (await claimed()) === `${utcOffset + 1}, 7`);
    await grandmaster.announce({ currentUtcOffset: utcOffset, clockClass: 6 });
    await until(async () => (await claimed()) === `${utcOffset}, 6`);
    await until(async () => magnitude(await lab.clientClock.truthOffsetNs()) < ms);
  });

  it('has grandmasters that take over and are killed', async () => {
    const rogue = await lab.grandmaster({ name: 'rogue', priority1: 90 });
    await rogue.clock.step(500n * ms);
    await rogue.start();
    await until(async () => magnitude((await lab.clientClock.truthOffsetNs()) - 500n * ms) < ms);
    const [one, other] = [grandmaster.ptp4l, rogue.ptp4l];
    assert.notEqual(await one.clockIdentity(), await other.clockIdentity());
    await rogue.ptp4l.kill();
    await until(async () => magnitude(await lab.clientClock.truthOffsetNs()) < ms);
    await grandmaster.ptp4l.kill();
    await lab.client.untilPortState('LISTENING');
  });

  it('leaves nothing behind when its owner is killed', async () => {
    const owner = fork(fileURLToPath(new URL('lab-owner.ts', import.meta.url)), { execArgv: [] });
    const [made] = (await once(owner, 'message')) as [{ folder: string; pids: number[] }];
    const ended = once(owner, 'exit');
    owner.kill('SIGKILL');
    await ended;
    for (const pid of made.pids) assert.ok(await isGone(pid), String(pid));
    assert.ok(existsSync(made.folder));
    const next = await Lab.make();
    await next.end();
    assert.ok(!existsSync(made.folder) && !existsSync(next.folder) && existsSync(lab.folder));
  });

  async function shownMs(): Promise<number> {
    const { rawNs, offsetNs } = await lab.clientClock.truthOffset();
    const taiNs = lab.clocks.truthAt(rawNs) + offsetNs;
    const utcNs = taiNs - BigInt(taiMinusUtcSeconds(taiNs)) * 1000n * ms;
    return Number(utcNs / ms);
  }

  /** Messages of a type that a ptp4l has received so far. */
  async function received(type: string, at = grandmaster.ptp4l): Promise<number> {
    return Number((await at.get('PORT_STATS_NP')).get(`rx_${type}`));
  }
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(pollMs);
}

function magnitude(ns: bigint): bigint {
  return ns < 0n ? -ns : ns;
}
