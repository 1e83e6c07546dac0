/** The broker and its client at stock ptp4l, in network namespaces. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openDatagramSocket } from '@kudurru/native';
import { encodeHex, PTP_MANAGEMENT_IDS } from '@kudurru/proof';
import type { PtpManagementName } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { linesOf, pmcLines } from '../../proof/test/support/pmc-text.ts';
import { runProgram } from '../../../hwtest/backends/run-program.ts';
import type { Grandmaster } from '../../../hwtest/lab/grandmaster.ts';
import {
  FORGED_GRANDMASTER,
  forgery,
  inject,
  NOBODY,
  putImpostor,
} from '../../../hwtest/lab/intruders.ts';
import { Lab, labRefusal } from '../../../hwtest/lab/lab.ts';
import { Ptp4lClient } from '../src/client.ts';
import { BrokerProcess, setOf } from './broker-process.ts';

const example = fileURLToPath(new URL('example.ts', import.meta.url));
const refusal = labRefusal();

/** Each test goes on from the state that the one before left. */
describe(`ptp4l's broker${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(180_000);
  let lab: Lab;
  let grandmaster: Grandmaster;
  let broker: BrokerProcess;
  let clientPath: string;
  let reader: Ptp4lClient;

  before(async function () {
    if (refusal !== null) this.skip();
    lab = await Lab.make();
    grandmaster = await lab.grandmaster({ name: 'grandmaster' });
    await Promise.all([grandmaster.start(), lab.client.start()]);
    await lab.client.untilPortState('SLAVE');
    clientPath = join(lab.folder, 'broker.sock');
    const places = [
      { path: `${lab.client.socket}-ro`, access: 'read-only' },
      { path: lab.client.socket, access: 'read-write' },
    ];
    const settings = { places, clientPath, deadlineMs: 10_000 };
    broker = new BrokerProcess(settings, lab.clientClock.environment);
  });
  after(async () => {
    if (refusal !== null) return;
    reader.close();
    await broker.end();
    await lab.end();
  });

  it('the client reads every data set of 3.1.1 as pmc prints it', async () => {
    reader = new Ptp4lClient({
      serverPath: lab.client.socket,
      clientPath: join(lab.folder, 'reader.sock'),
      deadlineMs: 60_000,
      rejected: ({ explanation }) => assert.fail(explanation),
    });
    const { clockIdentity, learned } = await reader.learn();
    assert.ok(learned);
    const named = (await lab.client.get('DEFAULT_DATA_SET')).get('clockIdentity');
    assert.equal(clockIdentity, named?.replaceAll('.', ''));
    for (const name of Object.keys(PTP_MANAGEMENT_IDS) as PtpManagementName[]) {
      const printed = await lab.client.pmc(`GET ${name}`);
      // Not in this pmc; or nothing but an empty answer, which the client gives as it is.
      if (!printed.includes(`MANAGEMENT ${name}`) || UNPRINTED.has(name)) continue;
      const [reply] = await reader.get(name);
      const set = reply?.message.body.type === 'data' ? reply.message.body.dataSet : null;
      assert.ok(set, name);
      assert.deepEqual(steady(linesOf(set)), steady(pmcLines(printed)), name);
    }
    reader.close();
    assert.ok(!existsSync(join(lab.folder, 'reader.sock')));
  });

  it('the example of its README runs', async () => {
    const words = [example, lab.client.socket, join(lab.folder, 'example.sock')];
    const printed = await runProgram(process.execPath, words);
    assert.match(printed, /^clock [0-9a-f]{16}\nport 1 is SLAVE\n$/u);
  });

  it('says first by which rung it reads, and from whom', async () => {
    const { message } = await broker.nextNote('started');
    assert.match(message, /^read-write socket ".*", of which no read-only one was found; clock /u);
    assert.match(message, /learned from it$/u);
  });

  it('hands on what ptp4l says, with the clocks of the moment it came', async () => {
    const record = await broker.next((each) => setOf(each)?.name === 'TIME_STATUS_NP');
    assert.ok(record.rawBeforeNs < record.rawAfterNs && record.clockNs !== null);
    const set = setOf(record);
    assert.ok(set?.name === 'TIME_STATUS_NP');
    assert.equal(set.gmIdentity, await grandmaster.ptp4l.clockIdentity());
    for (const name of ['CURRENT_DATA_SET', 'PARENT_DATA_SET', 'PORT_STATS_NP'] as const) {
      assert.equal((await broker.nextSet(name)).name, name);
    }
  });

  it('has no capability in any thread, and can get none', () => {
    const threads = readdirSync(`/proc/${broker.child.pid}/task`);
    for (const thread of threads) {
      const status = readFileSync(`/proc/${broker.child.pid}/task/${thread}/status`, 'utf8');
      assert.match(status, /^CapEff:\t0+$/mu);
      assert.match(status, /^CapPrm:\t0+$/mu);
      assert.match(status, /^NoNewPrivs:\t1$/mu);
    }
  });

  it('a RESPONSE forged on the network is rejected and told, byte by byte', async () => {
    const forged = forgery();
    await inject(lab, grandmaster, forged);
    const note = await broker.nextNote('forged-response');
    // ptp4l takes boundary hops off before it hands it on.
    assert.equal(withoutHops(note.bytes), withoutHops(forged));
    assert.match(note.message, /^target: for ffffffffffffffff-65535/u);
    const believed = broker.records.filter((each) => {
      const set = setOf(each);
      return set?.name === 'TIME_STATUS_NP' && set.gmIdentity === FORGED_GRANDMASTER;
    });
    assert.deepEqual(believed, []);
  });

  it('tells that the grandmaster was lost: the state of the port alone shows it', async () => {
    await grandmaster.ptp4l.kill();
    await broker.next((each) => {
      const set = setOf(each);
      return set?.name === 'PORT_DATA_SET' && set.portState === 'LISTENING';
    });
  });

  it('tells that ptp4l was restarted, and that its socket was gone', async () => {
    await lab.client.kill();
    await broker.nextNote('socket-gone');
    await lab.client.start();
    await broker.nextNote('restarted');
    await broker.next((each) => setOf(each) !== null);
  });

  it('refuses a socket that another user put in the place of ptp4l', async () => {
    await lab.client.stop();
    await broker.nextNote('socket-gone');
    const impostor = putImpostor(lab.client.socket, () => {
      assert.fail('the broker spoke to an impostor');
    });
    const { message } = await broker.nextNote('socket-impostor');
    assert.match(message, new RegExp(`is of user ${NOBODY}, and ptp4l runs as 0`, 'u'));
    impostor.close();
    rmSync(lab.client.socket);
    await lab.client.start();
    await broker.nextNote('restarted');
  });

  it('refuses what an impostor sends to its socket', async () => {
    const path = join(lab.folder, 'impostor.sock');
    const impostor = openDatagramSocket({
      ...{ path, receive: () => undefined },
      fail: (error) => assert.fail(error),
    });
    impostor.send(clientPath, Buffer.from('lies'));
    const note = await broker.nextNote('socket-impostor');
    assert.equal(Buffer.from(note.bytes ?? []).toString(), 'lies');
    assert.equal(note.message, `path: sent from "${path}"`);
    impostor.close();
  });

  it('ends when nobody reads it any more', async () => {
    const ended = once(broker.child, 'exit');
    broker.child.stdout?.destroy();
    await ended;
    assert.ok(!existsSync(clientPath));
  });
});

/** Data sets whose printing is not that of one data set of fields. */
const UNPRINTED: ReadonlySet<string> = new Set([
  ...['NULL_MANAGEMENT', 'CLOCK_DESCRIPTION', 'USER_DESCRIPTION', 'SUBSCRIBE_EVENTS_NP'],
]);

/** What changes from one question to the next, and is compared with captured datagrams. */
const MOVING = /^(?:offsetFromMaster|meanPathDelay|master_offset|ingress_time|[rt]x_)/u;

function steady(lines: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(lines).filter(([name]) => !MOVING.test(name)));
}

function withoutHops(bytes: Uint8Array | null): string {
  const copy = Uint8Array.from(bytes ?? []);
  copy.fill(0, 44, 46);
  return encodeHex(copy);
}
