import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BODY_SIZE_BYTES_MAX, verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import type { DaemonOptions } from '../backends/appliance.ts';
import { preloadLibrary } from '../faults/preload.ts';
import { makeScratchFolder, requireNothingLeft, Scenario, scenarioTimeoutMs } from './scenario.ts';
import { FRAME } from './wire-client.ts';
import { freshBody, WireSession, type Body } from './wire-session.ts';

/** As many of the largest bodies as fit a frame. */
const bodiesAtOnce = 15;
/** Two segments of the journal, 64 MiB each, are allocated ahead; these fill more than that. */
const submissionsMax = 40;
const bytesPerMib = 1_048_576;

describe('a full disk', function () {
  this.timeout(scenarioTimeoutMs);
  let scratch: string;
  let flag: string;
  let free: string;
  let scenario: Scenario;
  let session: WireSession;
  let options: DaemonOptions;

  before(async () => {
    scratch = makeScratchFolder();
    flag = join(scratch, 'full');
    free = join(scratch, 'free');
    scenario = await Scenario.prepare();
    options = {
      environment: {
        LD_PRELOAD: preloadLibrary('full-disk'),
        FULL_DISK_FLAG: flag,
        FULL_DISK_PREFIX: scenario.appliance.state,
        FULL_DISK_FREE: free,
      },
    };
  });
  after(async () => {
    session.client.destroy();
    await scenario.end();
    rmSync(scratch, { recursive: true });
  });

  it('lets no ledger begin: disk-full, and a later start founds it', async () => {
    writeFileSync(flag, '');
    const daemon = scenario.appliance.launch(options);
    await assert.rejects(daemon.ready, /disk-full/u);
    assert.deepEqual(await daemon.ended, { code: 1, signal: null });
    rmSync(flag);
    await scenario.appliance.start(options);
    const enrolled = await scenario.enrol('hoarder');
    session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
    await session.submit();
  });

  it('takes what fits the room that the journal has, then refuses: disk-full, later', async () => {
    writeFileSync(flag, '');
    const statement = await fillUp();
    await requireNothingLeft(scenario, async () => {
      session.client.send(statement.frame);
      assert.equal((await session.client.refusal()).code, 'disk-full');
    });
  });

  it('goes on when there is room again, and proves what it took', async () => {
    rmSync(flag);
    await session.submit();
    const entries = await scenario.entriesSince(0n);
    const last = entries.findLastIndex(({ kind }) => kind === 'action');
    const verdict = await verify(await scenario.bundle(BigInt(last)), await scenario.policy());
    assert.equal(verdict.overall, 'VALID');
  });

  it('is seen coming: below the mark submissions are refused, and an entry says so', async () => {
    const before = await scenario.size();
    const known = session.make({ bodies: [freshBody()] });
    session.client.send(known.frame);
    const receipt = await session.receipt();
    session.passed(known);
    await reportFree(500);
    await untilAlarm('disk-low');
    session.client.send(known.frame);
    assert.deepEqual(await session.receipt(), receipt, 'a retry needs no room');
    const statement = session.make({});
    session.client.send(statement.frame);
    const { code, retry } = await session.client.refusal();
    assert.deepEqual([code, retry], ['disk-low', 1]);
    // Between the marks nothing changes.
    await reportFree(1000);
    assert.deepEqual(await alarmsInForce(), ['disk-low']);
    const alarms = await scenario.entriesOf('alarm', before);
    assert.deepEqual(
      alarms.map((entry) => entry.kind === 'alarm' && entry.code),
      ['disk-low'],
    );
    await reportFree(1024);
    await untilAlarm(null);
    session.client.send(statement.frame);
    await session.client.expect('committed');
    session.passed(statement);
  });

  it('stops in order, and leaves files that are whole', async () => {
    assert.deepEqual(await scenario.appliance.daemon.stop(), { code: 0, signal: null });
    await scenario.requireWhole();
  });

  /** Returns when the daemon has seen it. */
  async function reportFree(freeMib: number): Promise<void> {
    const part = `${free}.part`;
    writeFileSync(part, String(freeMib * bytesPerMib));
    renameSync(part, free);
    await scenario.until(async () => {
      const { disk } = (await scenario.status()).resources;
      return disk.freeBytes === freeMib * bytesPerMib;
    });
  }

  async function alarmsInForce(): Promise<readonly string[]> {
    return (await scenario.status()).resources.alarms.map(({ code }) => code);
  }

  function untilAlarm(code: string | null): Promise<void> {
    return scenario.until(async () => (await alarmsInForce())[0] === (code ?? undefined));
  }

  /** Submits until it is refused; the statement that was. */
  async function fillUp(): Promise<ReturnType<WireSession['make']>> {
    for (let turn = 0; turn < submissionsMax; turn++) {
      const statement = session.make({ bodies: largeBodies() });
      session.client.send(statement.frame);
      const answer = await session.client.next();
      assert.ok(answer !== null, 'the connection ended');
      if (answer.type === FRAME.refused) {
        const [, code, , retry] = answer.items;
        assert.deepEqual([code, retry], ['disk-full', 1]);
        return statement;
      }
      session.passed(statement);
    }
    return assert.fail('the disk is never full');
  }
});

function largeBodies(): Body[] {
  return Array.from({ length: bodiesAtOnce }, () => freshBody(new Uint8Array(BODY_SIZE_BYTES_MAX)));
}
