import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BODY_SIZE_BYTES_MAX } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { preloadLibrary } from '../faults/preload.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';
import { freshBody, WireSession, type Statement } from './wire-session.ts';

/** Four frames with this many of the largest bodies fill the smallest queue over its high mark. */
const bodiesAtOnce = 15;
const flags = ['--queue-mib', '16', '--agent-queue-mib', '8'];

/**
 * The disk hangs from the second on. The first statement is in the ledger's hands then, the second
 * waits for it as the next batch; nobody comes to the third and fourth.
 */
describe('a disk that does not answer', function () {
  this.timeout(scenarioTimeoutMs);
  let scratch: string;
  let flag: string;
  let scenario: Scenario;
  const sessions: WireSession[] = [];
  const statements: Statement[] = [];

  before(async () => {
    scratch = makeScratchFolder();
    flag = join(scratch, 'slow');
    scenario = await Scenario.prepare();
    const environment = {
      LD_PRELOAD: preloadLibrary('slow-disk'),
      SLOW_DISK_FLAG: flag,
      SLOW_DISK_PREFIX: scenario.appliance.state,
    };
    await scenario.appliance.start({ environment, flags });
    for (const name of ['first', 'second', 'third', 'fourth']) {
      const enrolled = await scenario.enrol(name);
      sessions.push(await WireSession.open(scenario.appliance.agentSocket, enrolled));
    }
    // The batch of the last session's opening is done with when a later one is answered.
    for (const session of sessions) await session.submit();
  });
  after(async () => {
    rmSync(flag, { force: true });
    for (const { client } of sessions) client.destroy();
    await scenario.end();
    rmSync(scratch, { recursive: true });
  });

  it('leaves what reached the ledger waiting, and refuses the rest after a while', async () => {
    writeFileSync(flag, '');
    for (const [at, session] of sessions.entries()) {
      send(session);
      await untilReceived(Math.min(at + 1, 2), Math.max(at - 1, 0));
    }
    await scenario.until(async () => {
      const { alarms } = (await scenario.status()).resources;
      return alarms.some(({ code }) => code === 'queue-high');
    });
    for (const session of sessions.slice(2)) {
      const { code, retry } = await session.client.refusal();
      assert.deepEqual([code, retry], ['overloaded', 1]);
    }
    const { queue } = (await scenario.status()).resources;
    assert.ok(queue.heldBytes > 0 && queue.heldBytes < queue.highBytes);
    assert.ok(queue.heldBytesHighest >= queue.highBytes);
    assert.ok(queue.heldBytesHighest <= queue.maxBytes);
  });

  it('answers all when it goes on: what waited, and what comes again', async () => {
    rmSync(flag);
    for (const [at, session] of sessions.entries()) {
      const statement = statements[at];
      assert.ok(statement !== undefined);
      if (at >= 2) session.client.send(statement.frame);
      await session.client.expect('committed');
    }
    await scenario.until(async () => (await scenario.status()).resources.alarms.length === 0);
    const codes = (await scenario.entriesOf('alarm')).map((entry) => {
      return entry.kind === 'alarm' ? entry.code : null;
    });
    assert.ok(codes.includes('queue-high'), String(codes));
    assert.equal((await scenario.status()).refusals['overloaded'], 2);
  });

  it('stops in order, and leaves files that are whole', async () => {
    assert.deepEqual(await scenario.appliance.daemon.stop(), { code: 0, signal: null });
    await scenario.requireWhole();
  });

  function send(session: WireSession): void {
    const bodies = Array.from({ length: bodiesAtOnce }, () => {
      return freshBody(new Uint8Array(BODY_SIZE_BYTES_MAX));
    });
    const statement = session.make({ bodies });
    statements.push(statement);
    session.client.send(statement.frame);
  }

  function untilReceived(inBatches: number, waiting: number): Promise<void> {
    return scenario.until(async () => {
      const { queue } = (await scenario.status()).resources;
      return queue.inBatches === inBatches && queue.frames === waiting;
    });
  }
});
