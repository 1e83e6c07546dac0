/** What ptp4l pushes, and by which of its sockets: 3.1.1 of this machine, and linuxptp 4. */
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { after, afterEach, before, describe, it } from 'mocha';

import { Lab, labRefusal } from '../../../hwtest/lab/lab.ts';
import {
  NEWER_LINUXPTP_MISSING,
  newerLinuxptp,
  STOCK_LINUXPTP,
} from '../../../hwtest/lab/linuxptp.ts';
import type { Linuxptp } from '../../../hwtest/lab/linuxptp.ts';
import { Ptp4lClient } from '../src/client.ts';
import type { Accepted } from '../src/client.ts';
import { BrokerProcess } from './broker-process.ts';

const events = ['portState', 'timeSync', 'parentDataSet'] as const;
const newer = newerLinuxptp();
const newerRefusal = labRefusal() ?? (newer === null ? NEWER_LINUXPTP_MISSING : null);
const durationSeconds = 3;
const nsPerS = 1_000_000_000n;

/** Reads by the socket, and keeps what is pushed. */
class Reader {
  readonly client: Ptp4lClient;
  readonly pushes: Accepted[] = [];
  #tell: () => void = () => undefined;

  constructor(lab: Lab, serverPath: string) {
    this.client = new Ptp4lClient({
      ...{ serverPath, clientPath: join(lab.folder, 'reader.sock'), deadlineMs: 60_000 },
      accepted: (each) => {
        if (each.kind === 'push') this.pushes.push(each);
        this.#tell();
      },
      rejected: ({ explanation }) => assert.fail(explanation),
      failed: (error) => assert.fail(error),
    });
  }

  async untilPushed(isWanted: (push: Accepted) => boolean): Promise<Accepted> {
    for (;;) {
      const found = this.pushes.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#tell = resolve));
    }
  }

  /** When the newest sync came, by the clock of ptp4l. */
  async ingressTime(): Promise<bigint> {
    const [reply] = await this.client.get('TIME_STATUS_NP');
    const body = reply?.message.body;
    if (body?.type === 'data' && body.dataSet?.name === 'TIME_STATUS_NP') {
      return body.dataSet.ingressTimeNs;
    }
    return assert.fail('no TIME_STATUS_NP');
  }
}

function nameOf({ message: { body } }: Accepted): string | undefined {
  return body.type === 'data' ? body.dataSet?.name : undefined;
}

/** With a client that follows a grandmaster. */
async function makeLab(linuxptp: Linuxptp): Promise<Lab> {
  const lab = await Lab.make({ linuxptp });
  const grandmaster = await lab.grandmaster({ name: 'grandmaster' });
  await Promise.all([grandmaster.start(), lab.client.start()]);
  await lab.client.untilPortState('SLAVE');
  return lab;
}

describe(`linuxptp 4${newerRefusal === null ? '' : `: ${newerRefusal}`}`, function () {
  this.timeout(600_000);
  let lab: Lab;
  let reader: Reader | undefined;

  before(async function () {
    if (newerRefusal !== null) this.skip();
    lab = await makeLab(newer ?? STOCK_LINUXPTP);
  });
  after(async () => {
    if (newerRefusal === null) await lab.end();
  });
  afterEach(() => reader?.client.close());

  it('pushes each sync, also when the subscription would have run out thrice', async () => {
    reader = new Reader(lab, lab.client.socket);
    await reader.client.learn();
    await reader.client.subscribe(events, durationSeconds);
    const first = await reader.untilPushed((push) => nameOf(push) === 'TIME_STATUS_NP');
    const endNs = first.datagram.rawAfterNs + 3n * BigInt(durationSeconds) * nsPerS;
    const late = await reader.untilPushed((push) => push.datagram.rawBeforeNs > endNs);
    assert.equal(nameOf(late), 'TIME_STATUS_NP');
  });

  it('answers by its read-only socket, which takes no subscription', async () => {
    reader = new Reader(lab, `${lab.client.socket}-ro`);
    assert((await reader.ingressTime()) > 0n);
    await assert.rejects(reader.client.subscribe(events), {
      ...{ code: 'refused', detail: 'NOT_SUPPORTED' },
    });
  });

  it('is read by the broker through the read-only socket, where there is one', async () => {
    const places = [
      { path: `${lab.client.socket}-ro`, access: 'read-only' },
      { path: lab.client.socket, access: 'read-write' },
    ];
    const clientPath = join(lab.folder, 'broker.sock');
    const settings = { places, clientPath, deadlineMs: 60_000 };
    const broker = new BrokerProcess(settings, lab.clientClock.environment);
    try {
      const { message } = await broker.nextNote('started');
      assert.match(message, /^read-only socket "[^"]*-ro"/u);
      for (const name of ['TIME_STATUS_NP', 'PORT_DATA_SET'] as const) {
        assert.equal((await broker.nextSet(name)).name, name);
      }
    } finally {
      await broker.end();
    }
  });
});

const stockRefusal = labRefusal();

describe(`linuxptp 3.1.1${stockRefusal === null ? '' : `: ${stockRefusal}`}`, function () {
  this.timeout(600_000);
  let lab: Lab;
  let reader: Reader | undefined;

  before(async function () {
    if (stockRefusal !== null) this.skip();
    lab = await makeLab(STOCK_LINUXPTP);
  });
  after(async () => {
    if (stockRefusal === null) await lab.end();
  });
  afterEach(() => reader?.client.close());

  it('pushes no sync, whatever was subscribed to: what is polled goes on', async () => {
    reader = new Reader(lab, lab.client.socket);
    await reader.client.learn();
    await reader.client.subscribe(events, durationSeconds);
    const seen = new Set<bigint>();
    while (seen.size < 4) seen.add(await reader.ingressTime());
    assert.deepEqual(
      reader.pushes.map(nameOf).filter((name) => name !== 'PORT_DATA_SET'),
      [],
    );
  });
});
