import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { isKudurruError, type ErrorCode } from '../../src/base/errors.ts';
import { leafIndex } from '../../src/base/units.ts';
import type { Agent } from '../../src/identity/agents.ts';
import { SessionTable, type NewSession } from '../../src/identity/sessions.ts';
import {
  decodeWriterFacts,
  encodeWriterFacts,
  isSameWriter,
  type WriterFacts,
} from '../../src/identity/writer.ts';

const agent = { name: 'a' } as Agent;
const facts: WriterFacts = {
  bootId: new Uint8Array(16).fill(1),
  pid: 10,
  uid: 1000,
  gid: 1000,
  startTime: 500,
  inode: 2n ** 60n,
  exe: '/usr/bin/node',
  exeSha256: null,
  cgroup: '/user.slice',
};

describe('writer facts', () => {
  it('come back from their body as they were', () => {
    assert.deepEqual(decodeWriterFacts(encodeWriterFacts(facts)), facts);
  });

  it('are one process by the inode, else by process id and start time', () => {
    assert.ok(isSameWriter(facts, { ...facts, exe: null, cgroup: null }));
    assert.ok(isSameWriter({ ...facts, inode: null }, facts));
    const others: readonly Partial<WriterFacts>[] = [
      { inode: 5n },
      { inode: null, pid: 11 },
      { inode: null, startTime: 501 },
      { inode: null, startTime: null },
      { bootId: new Uint8Array(16) },
      { bootId: null },
      { uid: 0 },
      { gid: 0 },
    ];
    for (const other of others) {
      assert.ok(!isSameWriter(facts, { ...facts, ...other }), Object.keys(other).join());
      assert.ok(!isSameWriter({ ...facts, ...other }, facts), Object.keys(other).join());
    }
  });
});

describe('session table', () => {
  it('lets the same process take up a session whose connection is gone', () => {
    const { table, opened } = tableWith();
    table.detach(1n);
    const session = table.resumable(opened.sessionId, agent, facts);
    table.attach(session, 2n);
    assert.equal(table.onConnection(2n), session);
    assert.equal(table.onConnection(1n), null);
  });

  it('refuses every other way to take up a session', () => {
    const { table, opened } = tableWith();
    const { sessionId } = opened;
    refused('session-taken', () => table.resumable(sessionId, agent, facts));
    table.detach(1n);
    refused('writer-changed', () => table.resumable(sessionId, agent, { ...facts, inode: 9n }));
    const other = { name: 'b' } as Agent;
    refused('session-unknown', () => table.resumable(sessionId, other, facts));
    refused('session-unknown', () => table.resumable(new Uint8Array(32), agent, facts));
    table.remove(table.resumable(sessionId, agent, facts));
    refused('session-unknown', () => table.resumable(sessionId, agent, facts));
  });

  it('finds what is idle', () => {
    const { table, clock, opened } = tableWith();
    clock.nowMs = 999;
    assert.deepEqual(table.idle(1000), []);
    table.touch(table.byIndex(opened.sessionIndex) ?? assert.fail('no session'));
    clock.nowMs = 1500;
    assert.deepEqual(table.idle(1000), []);
    clock.nowMs = 1999;
    assert.equal(table.idle(1000).length, 1);
  });

  it('is bounded', () => {
    const { table } = tableWith();
    table.requireRoom(1);
    refused('sessions-full', () => table.requireRoom(2));
  });
});

function tableWith(): { table: SessionTable; opened: NewSession; clock: { nowMs: number } } {
  const clock = { nowMs: 0 };
  const table = new SessionTable(2, () => clock.nowMs);
  const opened: NewSession = {
    sessionId: new Uint8Array(32).fill(7),
    sessionIndex: leafIndex(5n),
    sessionNumber: 0,
    agent,
    writer: facts,
  };
  table.add(opened, 1n);
  return { table, opened, clock };
}

function refused(code: ErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => isKudurruError(error, code), code);
}
