import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BODY_SIZE_BYTES_MAX } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { preloadLibrary } from '../faults/preload.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';
import { FRAME } from './wire-client.ts';
import { freshBody, WireSession, type Statement } from './wire-session.ts';

/** Largest bodies in a frame. */
const bodiesAtOnce = 15;
/**
 * More than the ledger may hold: two groups of 16 MiB, each with one batch of 16 MiB more, and a
 * batch that waits for the daemon, are twenty such frames. All fill the queue over its high mark.
 */
const agentCount = 28;
/** On the wire (SPEC.md §6). */
const later = 1;
const flags = ['--queue-mib', '128', '--agent-queue-mib', '8'];

/**
 * The disk hangs while every agent hands in one statement. Some are in the ledger's hands then, and
 * may become durable yet; the ledger comes to none of the others.
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
    for (let number = 0; number < agentCount; number++) {
      const enrolled = await scenario.enrol(`agent-${number}`);
      sessions.push(await WireSession.open(scenario.appliance.agentSocket, enrolled));
    }
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
    for (const session of sessions) send(session);
    await scenario.until(async () => (await alarms()).includes('queue-high'));
    const refused = await untilAllElseRefused();
    assert.ok(refused > 0 && refused < agentCount, String(refused));
    const { queue } = (await scenario.status()).resources;
    assert.equal(queue.inBatches, agentCount - refused);
    assert.ok(queue.heldBytesHighest >= queue.highBytes);
    assert.ok(queue.heldBytesHighest <= queue.maxBytes);
  });

  it('answers all when it goes on: what waited, and what comes again', async () => {
    const refused = await untilAllElseRefused();
    rmSync(flag);
    let again = 0;
    for (const [at, session] of sessions.entries()) {
      const answer = await session.client.next();
      if (answer?.type === FRAME.committed) continue;
      assert.deepEqual([answer?.items[1], answer?.items[3]], ['overloaded', later]);
      again += 1;
      session.client.send(statements[at]?.frame ?? new Uint8Array());
      await session.client.expect('committed');
    }
    assert.equal(again, refused);
    await scenario.until(async () => (await alarms()).length === 0);
    const codes = (await scenario.entriesOf('alarm')).map((entry) => {
      return entry.kind === 'alarm' ? entry.code : null;
    });
    assert.ok(codes.includes('queue-high'), String(codes));
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

  async function alarms(): Promise<readonly string[]> {
    return (await scenario.status()).resources.alarms.map(({ code }) => code);
  }

  /** How many were: every submission is refused, or in the ledger's hands. */
  async function untilAllElseRefused(): Promise<number> {
    let refused = 0;
    await scenario.until(async () => {
      const { resources, refusals } = await scenario.status();
      refused = refusals['overloaded'] ?? 0;
      return resources.queue.inBatches + refused === agentCount;
    });
    return refused;
  }
});
