import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { encodeHex, encodeSessionRequest, sha256 } from '@kudurru/proof';

import { KudurruError } from '../../src/base/errors.ts';
import { leafIndex, taiNs } from '../../src/base/units.ts';
import { AgentRegistry } from '../../src/identity/agents.ts';
import { SessionDoor } from '../../src/identity/session-door.ts';
import {
  SessionRequests,
  type Outcome,
  type SessionFrame,
  type SessionPorts,
} from '../../src/identity/session-requests.ts';
import { SessionTable } from '../../src/identity/sessions.ts';
import { makeSigner } from './signer.ts';

const ledgerId = new Uint8Array(32).fill(1);
const challenge = new Uint8Array(32).fill(2);
const agentId = 'spiffe://example.org/agent/a';
const signer = makeSigner();

describe('session requests', () => {
  it('open sessions with the next numbers, in the ledger before they are told', async () => {
    const { requests, steps } = begin();
    await requests.answer([openFrame(1n), openFrame(2n)]);
    assert.deepEqual(steps, ['append open 0, open 1', 'bind 1 number 0', 'bind 2 number 1']);
  });

  it('take up a session whose connection went in the same batch', async () => {
    const { requests, steps, table } = begin();
    await requests.answer([openFrame(1n)]);
    const [session] = table.all();
    assert.ok(session !== undefined);
    steps.length = 0;
    await requests.answer([gone(1n), openFrame(2n, session.sessionId)]);
    assert.deepEqual(steps, ['bind 2 number 0']);
    assert.equal(session.connection, 2n);
  });

  it('leave no session on a connection that went before it was opened', async () => {
    const { requests, table } = begin();
    await requests.answer([openFrame(1n), gone(1n)]);
    assert.deepEqual(
      table.all().map(({ connection }) => connection),
      [null],
    );
  });

  it('close with the count of the ledger, for the connection that carries it only', async () => {
    const { requests, steps, table } = begin();
    await requests.answer([openFrame(1n), openFrame(2n)]);
    const [first] = table.all();
    assert.ok(first !== undefined);
    steps.length = 0;
    await requests.answer([closeFrame(2n, first.sessionId), closeFrame(1n, first.sessionId)]);
    assert.deepEqual(steps, [
      'refuse 2 session-unknown',
      'append close closed 7',
      'closed 1 after 7',
    ]);
    assert.equal(table.size, 1);
  });

  it('refuse what is not signed, and go on', async () => {
    const { requests, steps } = begin();
    const broken = { ...openFrame(1n), payload: Uint8Array.of(0x80) };
    await requests.answer([broken, openFrame(2n)]);
    assert.deepEqual(steps, ['refuse 1 request-malformed', 'append open 0', 'bind 2 number 0']);
  });

  it('refuse what the ledger refused, and give its number again', async () => {
    const { requests, steps, full, table } = begin();
    full.disk = true;
    await requests.answer([openFrame(1n)]);
    assert.equal(table.size, 0);
    full.disk = false;
    await requests.answer([openFrame(1n)]);
    assert.deepEqual(steps, [
      'append open 0',
      'refuse 1 disk-full',
      'append open 0',
      'bind 1 number 0',
    ]);
  });

  it('close idle sessions and tell those who still listen', async () => {
    const { requests, steps, table } = begin();
    await requests.answer([openFrame(1n), openFrame(2n), gone(2n)]);
    steps.length = 0;
    await requests.close(table.all(), 'idle');
    assert.deepEqual(steps, ['append close idle 7, close idle 7', 'closed 1 after 7']);
    assert.equal(table.size, 0);
  });
});

function begin() {
  const steps: string[] = [];
  const full = { disk: false };
  const agents = new AgentRegistry('example.org');
  agents.add({
    agentIndex: leafIndex(2n),
    agentId,
    owner: 'team',
    purpose: 'test',
    key: signer.publicKey,
    enrolledByUid: 0,
    enrolledAt: taiNs(1n),
  });
  const table = new SessionTable(10, () => 0);
  const door = new SessionDoor({ ledgerId, agents, sessions: table });
  const ports = portsThat(steps, full);
  return { requests: new SessionRequests({ door, sessions: table, ports }), steps, table, full };
}

/** Notes what is asked of it; every session has seven actions. */
function portsThat(steps: string[], full: { readonly disk: boolean }): SessionPorts {
  let size = 10n;
  return {
    writer: () => ({
      bootId: new Uint8Array(16),
      pid: 5,
      uid: 0,
      gid: 0,
      startTime: 9,
      inode: null,
      exe: null,
      exeSha256: null,
      cgroup: null,
    }),
    head: () => Promise.resolve({ nextSequence: 7n, previousStatementHash: new Uint8Array(32) }),
    append: (changes) => {
      const named = changes.map((change) =>
        'kind' in change
          ? `open ${change.sessionNumber}`
          : `close ${change.reason} ${change.actionCount}`,
      );
      steps.push(`append ${named.join(', ')}`);
      return Promise.resolve(
        changes.map((): Outcome => {
          if (full.disk) return { refusal: new KudurruError('disk-full', 'no room') };
          size += 1n;
          return { index: leafIndex(size), leafHash: sha256(Uint8Array.of(Number(size))) };
        }),
      );
    },
    bind: (connection, session) => {
      steps.push(`bind ${connection} number ${session.sessionNumber}`);
    },
    closed: (connection, sessionId, actionCount) => {
      assert.equal(encodeHex(sessionId).length, 64);
      steps.push(`closed ${connection} after ${actionCount}`);
    },
    refuse: (connection, { code }) => steps.push(`refuse ${connection} ${code}`),
  };
}

function openFrame(connection: bigint, resumeSessionId: Uint8Array | null = null): SessionFrame {
  const request = encodeSessionRequest({
    version: 1,
    ledgerId,
    challenge,
    agentId,
    client: 'test',
    resumeSessionId,
  });
  const payload = signer.sign('application/kudurru-session+cose', request);
  return { kind: 'open', connection, payload, challenge };
}

function closeFrame(connection: bigint, sessionId: Uint8Array): SessionFrame {
  return { kind: 'close', connection, payload: sessionId, challenge };
}

function gone(connection: bigint): SessionFrame {
  return { kind: 'disconnected', connection, payload: new Uint8Array(0), challenge };
}
