import assert from 'node:assert/strict';
import { constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';

import { readClock } from '@kudurru/native';
import { type GnssEpoch, GnssIntegrity, GnssSplitter, LEAP_TABLE, taiOfUtc } from '@kudurru/proof';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';

import { ubxPoll } from '../../daemon/proof/test/support/gnss-encode.ts';
import { SCRIPTED_RECEIVER_ID } from '../../daemon/proof/test/support/scripted-receiver.ts';
import { Clocks } from './clocks.ts';
import { GnssReceiver, RECEIVER_LATENCY_MAX_NS } from './gnss-receiver.ts';
import { labRefusal } from './lab.ts';

const hourNs = 3_600_000_000_000n;
const refusal = labRefusal();
const other = Uint8Array.of(1, 2, 3, 4, 5);

/** Each test goes on from the state that the one before left. */
describe(`a GNSS receiver in a lab${refusal === null ? '' : `: ${refusal}`}`, function () {
  this.timeout(120_000);
  let folder: string;
  let clocks: Clocks;
  let receiver: GnssReceiver;
  let line: Line;

  before(async function () {
    if (refusal !== null) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'gnss-receiver-'));
    const taiNs = taiOfUtc(BigInt(Date.now()) * 1_000_000n);
    clocks = await Clocks.make(join(folder, 'clocks'), taiNs, 37n);
    receiver = await GnssReceiver.make({ clocks, folder });
    await receiver.plugIn();
  });
  beforeEach(() => {
    line = new Line(receiver.path);
  });
  afterEach(() => {
    if (refusal === null) line.close();
  });
  after(async () => {
    if (refusal !== null) return;
    await receiver.unplug();
    await clocks.end();
    rmSync(folder, { recursive: true });
  });

  it('tells each second when it is over, says who it is, and is found to be healthy', async () => {
    const { earliest, latest } = await line.until(({ problems }) => problems.length === 0);
    assert.ok(earliest !== null && latest !== null);
    assert.ok(earliest.taiNs <= clocks.truthAt(earliest.rawNs));
    assert.ok(latest.taiNs >= clocks.truthAt(latest.rawNs));
    assert.equal(receiver.polls, 1);
  });

  it('lies by its clock, and by what it says', async () => {
    await receiver.clock.step(hourNs);
    receiver.tell({ spoofing: 2 });
    const { earliest } = await line.until(({ problems }) => problems.includes('spoofing'));
    assert.ok(earliest !== null);
    const lieNs = earliest.taiNs - clocks.truthAt(earliest.rawNs);
    assert.ok(lieNs > hourNs / 2n && lieNs < hourNs, `${lieNs}`);
    await receiver.clock.step(-hourNs);
    receiver.tell({});
    await line.until(({ sky }) => sky.spoofing === 'clean');
  });

  it('hangs up when it is unplugged, and is another one at the same path', async () => {
    await line.until(({ taiNs }) => taiNs !== null);
    await receiver.unplug();
    await line.untilEnd();
    assert.throws(() => openSync(receiver.path, 'r'), { code: 'ENOENT' });
    await receiver.plugIn(other);
    line = new Line(receiver.path);
    await line.until(({ problems }) => problems.includes('identity'));
  });
});

/** Reads the line as the pinned receiver's, and polls once for its identity. */
class Line {
  readonly #stream: ReadStream;
  readonly #epochs: AsyncGenerator<GnssEpoch, void>;

  constructor(path: string) {
    const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    this.#stream = new ReadStream(fd);
    this.#epochs = epochsOf(this.#stream);
    writeSync(fd, ubxPoll('sec-uniqid'));
  }

  async until(isWanted: (epoch: GnssEpoch) => boolean): Promise<GnssEpoch> {
    for (;;) {
      const next = await this.#epochs.next();
      assert.ok(next.done !== true, 'the line ended');
      if (isWanted(next.value)) return next.value;
    }
  }

  async untilEnd(): Promise<void> {
    while ((await this.#epochs.next()).done !== true);
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** Until the line hangs up. */
async function* epochsOf(stream: ReadStream): AsyncGenerator<GnssEpoch, void> {
  const splitter = new GnssSplitter();
  const pins = {
    ...{ receiverId: SCRIPTED_RECEIVER_ID, survey: null, satellitesMin: 4 },
    ...{ latencyMaxNs: RECEIVER_LATENCY_MAX_NS, accuracyNs: 0n, pulse: false, monitored: true },
  };
  const passedTaiNs = taiOfUtc(BigInt(Date.now()) * 1_000_000n);
  const integrity = new GnssIntegrity({ pins, leap: LEAP_TABLE, passedTaiNs });
  let rawBeforeNs = readClock().monotonicRawNs;
  try {
    for await (const chunk of stream) {
      const rawAfterNs = readClock().monotonicRawNs;
      for (const { kind, bytes } of splitter.push(chunk as Buffer)) {
        if (kind === 'noise') continue;
        const epoch = integrity.take({ kind, bytes, rawBeforeNs, rawAfterNs });
        if (epoch !== null) yield epoch;
      }
      rawBeforeNs = rawAfterNs;
    }
  } catch (error) {
    // What a line that has hung up says.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
}
