import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

import { connect, generateKey } from '@kudurru/agent';
import { sha256 } from '@kudurru/proof';
import { after, afterEach, before, describe, it } from 'mocha';

import { askControl, type EnrolledAgent } from '../backends/control.ts';
import { requireNothingLeft, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';
import { cborFrame, FRAME, WireClient } from './wire-client.ts';
import { greet, openFrame, WireSession, type Greeting } from './wire-session.ts';

const other32 = sha256(new Uint8Array(1));

describe('bad sessions', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let bystander: WireSession;

  before(async () => {
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('honest');
    bystander = await WireSession.open(scenario.appliance.agentSocket, enrolled);
  });
  after(async () => {
    bystander.client.destroy();
    await scenario.end();
  });
  afterEach('another connection is served as before', async () => {
    await bystander.submit();
  });

  describe('requests', () => {
    it('refuses an agent that is not enrolled: agent-unknown', () =>
      requireRefused('agent-unknown', (greeting) =>
        openFrame(greeting, { ...enrolled, agentId: `${enrolled.agentId}-2` }),
      ));

    it('refuses a key that is not the enrolled one: key-mismatch', () =>
      requireRefused('key-mismatch', (greeting) =>
        openFrame(greeting, { ...enrolled, key: generateKey() }),
      ));

    it('refuses a signature by another key: signature-invalid', () => {
      const { sign } = generateKey();
      const key = { ...enrolled.key, sign };
      return requireRefused('signature-invalid', (greeting) =>
        openFrame(greeting, { ...enrolled, key }),
      );
    });

    it('refuses a request for another ledger: ledger-mismatch', () =>
      requireRefused('ledger-mismatch', (greeting) =>
        openFrame({ ...greeting, ledgerId: other32 }, enrolled),
      ));

    it('refuses the answer to the challenge of another connection: challenge-mismatch', () =>
      requireRefused('challenge-mismatch', (greeting) =>
        openFrame({ ...greeting, challenge: other32 }, enrolled),
      ));

    it('refuses a request that is none: request-malformed', () =>
      requireRefused('request-malformed', () => cborFrame(FRAME.open, [Uint8Array.of(0xf6)])));

    it('refuses to take up a session that is open elsewhere: session-taken', async () => {
      const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
      await requireRefused('session-taken', (greeting) =>
        openFrame(greeting, enrolled, session.sessionId),
      );
      await session.submit();
      session.client.destroy();
    });

    it('refuses to take up a session that never was: session-unknown', () =>
      requireRefused('session-unknown', (greeting) => openFrame(greeting, enrolled, other32)));

    it('refuses to close another session than this one: session-mismatch', async () => {
      const { client } = await WireSession.open(scenario.appliance.agentSocket, enrolled);
      await requireNothingLeft(scenario, async () => {
        client.send(cborFrame(FRAME.close, [other32]));
        await requireEndedWith(client, 'session-mismatch');
      });
    });
  });

  describe('enrolments', () => {
    it('refuses a second agent of the same name: agent-exists', () =>
      requireNothingLeft(scenario, async () => {
        await assert.rejects(scenario.enrol('honest'), /agent-exists/u);
      }));

    it('refuses an enrolment of noise: request-malformed', () =>
      requireNothingLeft(scenario, async () => {
        const body = { enrolment: Buffer.from(other32).toString('base64') };
        const { status, bytes } = await askControl(
          scenario.appliance.controlSocket,
          '/v1/agents',
          body,
        );
        assert.equal(status, 400);
        assert.equal((JSON.parse(bytes.toString()) as { code: string }).code, 'request-malformed');
      }));
  });

  describe('writers', () => {
    it('refuses a frame that two processes wrote: frame-two-writers', async () => {
      const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
      const { frame } = session.make();
      const half = Math.floor(frame.length / 2);
      await requireNothingLeft(scenario, async () => {
        session.client.send(frame.subarray(0, half));
        await whileChildWrites(session.client.socket, frame.subarray(half), () =>
          requireEndedWith(session.client, 'frame-two-writers'),
        );
      });
    });

    it('refuses a frame of another process than opened the session: writer-changed', async () => {
      const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
      await requireNothingLeft(scenario, async () => {
        await whileChildWrites(session.client.socket, session.make().frame, () =>
          requireEndedWith(session.client, 'writer-changed'),
        );
      });
    });
  });

  describe('clients', () => {
    it('lets one that stops reading wait alone, and owes it every answer', async () => {
      const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
      const { socket } = session.client;
      const statement = session.make();
      socket.pause();
      let sent = 0;
      // Until the daemon takes no more: its answers have nowhere to go.
      while (await isTaken(socket, statement.frame)) sent++;
      sent++;
      await bystander.submit();
      socket.resume();
      const first = await session.receipt();
      for (let received = 1; received < sent; received++) {
        assert.deepEqual(await session.receipt(), first);
      }
      session.passed(statement);
      await session.submit();
      session.client.destroy();
    });

    it('forgets those that go without reading its answers', async () => {
      const { agentSocket } = scenario.appliance;
      const { connections } = await scenario.status();
      const sessions = await Promise.all(
        [1, 2, 3].map(() => WireSession.open(agentSocket, enrolled)),
      );
      for (const { client } of sessions) client.destroy();
      await scenario.until(async () => (await scenario.status()).connections === connections);
      const agent = await connect({ socketPath: agentSocket, ...enrolled });
      await agent.submit([someAction('after them')]);
      await agent.close();
    });
  });

  it('has files that are whole afterwards', () => scenario.requireWhole());

  /** The connection stays as it was: a good request on it is granted. */
  async function requireRefused(
    code: string,
    frame: (greeting: Greeting) => Uint8Array,
  ): Promise<void> {
    const client = await WireClient.connect(scenario.appliance.agentSocket);
    const greeting = await greet(client);
    await requireNothingLeft(scenario, async () => {
      client.send(frame(greeting));
      const refusal = await client.refusal();
      assert.equal(refusal.code, code, refusal.message);
      assert.equal(refusal.firstSequence, null);
    });
    client.send(openFrame(greeting, enrolled));
    await client.expect('opened');
    client.destroy();
  }
});

async function requireEndedWith(client: WireClient, code: string): Promise<void> {
  const refusal = await client.refusal();
  assert.equal(refusal.code, code, refusal.message);
  assert.equal(refusal.firstSequence, null);
  await client.requireEnd();
}

/**
 * Another process writes these bytes on our connection, and lives until `done` is: the kernel
 * names only the living.
 */
async function whileChildWrites(
  socket: Socket,
  bytes: Uint8Array,
  done: () => Promise<void>,
): Promise<void> {
  const child = spawn('cat', [], { stdio: ['pipe', socket, 'inherit'] });
  const exited = once(child, 'exit');
  // Handing a socket to a child stops our own reading of it.
  socket.resume();
  child.stdin.write(bytes);
  try {
    await done();
  } finally {
    child.stdin.end();
    await exited;
  }
}

/** Whether the kernel took all of it off our hands, within a time in which it always does. */
async function isTaken(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  const written = new Promise<true>((resolve) => {
    socket.write(bytes, () => resolve(true));
  });
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), 2000);
  try {
    return await Promise.race([written, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
