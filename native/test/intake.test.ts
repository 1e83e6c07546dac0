/** The agent socket through the facade, with real clients; receipts are the ledger's tests. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { encodeCbor } from '@kudurru/proof';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { NativeError, peerCredentials, probeWriterLevel, startIntake } from '../lib/index.ts';
import type { Intake, IntakeLimits, SessionRequest } from '../lib/index.ts';
import {
  agentPrivateKey,
  binding,
  ledgerId,
  sessionId,
  submitFrame,
  zeroHash,
} from './support/agent-session.ts';
import {
  AgentSocket,
  badSubmitFrame,
  FRAME,
  frameOf,
  helloFrame,
  openFrame,
} from './support/agent-socket.ts';

describe('intake', () => {
  let folder: string;
  let path: string;
  let intake: Intake | null;
  let running: Promise<void>;
  /** What the pipeline was handed, in order. */
  let requests: SessionRequest[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-intake-'));
    path = join(folder, 'agent.sock');
    intake = null;
    running = Promise.resolve();
    requests = [];
  });

  afterEach(async () => {
    await intake?.stop();
    await running;
    rmSync(folder, { recursive: true });
  });

  function start(limits: IntakeLimits = {}): Intake {
    intake = startIntake({
      socketPath: path,
      socketMode: 0o600,
      ledgerId,
      origin: 'example/log',
      verifyThreads: 2,
      limits: { drainTimeMs: 1, ...limits },
    });
    return intake;
  }

  /** A pipeline that opens every session and commits nothing. */
  function run(limits: IntakeLimits = {}): Intake {
    const started = start(limits);
    running = (async () => {
      for (let batch = await started.next(); batch !== null; batch = await started.next()) {
        await started.verify(batch);
        started.answer(batch);
        requests.push(...batch.requests);
        for (const { kind, connection } of batch.requests) {
          if (kind === 'open') started.bindSession(connection, binding);
          if (kind === 'close') started.closeSession(connection, sessionId, 0);
        }
      }
    })();
    return started;
  }

  async function opened(): Promise<AgentSocket> {
    const client = await AgentSocket.connect(path);
    client.write(helloFrame);
    assert.equal((await client.frame())?.type, FRAME.welcome);
    client.write(openFrame);
    assert.equal((await client.frame())?.type, FRAME.opened);
    return client;
  }

  it('welcomes a client and hands its request to the pipeline', async () => {
    const started = start();
    const client = await AgentSocket.connect(path);
    client.write(helloFrame);
    const welcome = await client.frame();
    const [version, ledger, origin, challenge, level, limits] = welcome?.fields ?? [];
    assert.deepEqual(
      [version, ledger, origin, level],
      [1, ledgerId, 'example/log', started.writerLevel],
    );
    assert.deepEqual(limits, [4_194_304, 1024, 262_144, 64]);
    client.write(openFrame);
    const batch = await started.next();
    const [request] = batch?.requests ?? [];
    assert.ok(batch !== null && request !== undefined);
    assert.deepEqual(request.payload, Uint8Array.of(1, 2, 3));
    assert.deepEqual(request.challenge, challenge);
    assert.equal(request.kind, 'open');
    started.bindSession(request.connection, binding);
    assert.deepEqual((await client.frame())?.fields, [sessionId, 7, 0, 0, zeroHash]);
  });

  it('names the process that opened a session', async () => {
    const started = run();
    await opened();
    const facts = started.writerFacts(requests[0]?.connection ?? 0n);
    assert.equal(facts.pid, process.pid);
    assert.equal(facts.uid, process.getuid?.());
    assert.equal(facts.exe, readlinkSync('/proc/self/exe'));
    assert.equal(typeof facts.startTime, 'number');
    assert.equal(facts.level, probeWriterLevel());
    assert.equal(facts.inode === null, facts.level < 3);
    assert.throws(() => started.writerFacts(99n), { code: 'connection-unknown' });
  });

  it('accepts the signature of the session key and no other', async () => {
    const started = start();
    const client = await AgentSocket.connect(path);
    client.write(helloFrame, openFrame);
    const open = await started.next();
    assert.ok(open !== null);
    started.answer(open);
    started.bindSession(open.requests[0]?.connection ?? 0n, binding);
    await client.frame();
    await client.frame();
    client.write(submitFrame(0n, generateKeyPairSync('ed25519').privateKey));
    const forged = await started.next();
    assert.ok(forged !== null);
    await started.verify(forged);
    started.answer(forged);
    assert.equal(await client.refusal(), 'signature-invalid');
    client.write(submitFrame(0n, agentPrivateKey, 2));
    const signed = await started.next();
    assert.ok(signed !== null);
    assert.deepEqual([signed.items, signed.actions, signed.scopes], [1, 1, []]);
    await started.verify(signed);
    // Not refused, and no ledger has committed it.
    assert.throws(() => started.answer(signed), { code: 'batch-unanswered' });
  });

  it('refuses a level that it does not offer', async () => {
    run();
    const client = await opened();
    client.write(submitFrame(0n, agentPrivateKey, 3));
    assert.equal(await client.refusal(), 'level-not-offered');
  });

  const badFrames = {
    'frame-empty': Uint8Array.of(0, 0, 0, 0),
    'frame-too-long': Uint8Array.of(0, 0x40, 0, 1),
    'frame-type-unknown': frameOf(0x81, encodeCbor([])),
    'frame-malformed': frameOf(FRAME.close, encodeCbor([])),
    'frame-not-canonical': frameOf(FRAME.close, Uint8Array.of(0x9f, 0xff)),
    'frame-unexpected': helloFrame,
  };
  for (const [code, bytes] of Object.entries(badFrames)) {
    it(`refuses with ${code}, ends the connection, and says so to the pipeline`, async () => {
      const started = run();
      const client = await opened();
      client.write(badSubmitFrame, bytes);
      assert.equal(await client.refusal(), 'submission-malformed');
      assert.equal(await client.refusal(), code);
      assert.equal(await client.frame(), null);
      await until(() => requests.length === 2);
      assert.equal(requests[1]?.kind, 'disconnected');
      assert.equal(started.stats().refusals[code], 1);
    });
  }

  it('answers the same however a stream of frames is cut', async () => {
    run();
    const stream = Buffer.concat([helloFrame, ...Array<Uint8Array>(3).fill(helloFrame)]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(stream.length), { maxLength: 6 }), async (cuts) => {
        const client = await AgentSocket.connect(path);
        const edges = [0, ...cuts.sort((left, right) => left - right), stream.length];
        edges.slice(1).forEach((edge, i) => client.write(stream.subarray(edges[i], edge)));
        assert.equal((await client.frame())?.type, FRAME.welcome);
        assert.equal(await client.refusal(), 'frame-unexpected');
        assert.equal(await client.frame(), null);
      }),
      { numRuns: 25 },
    );
  });

  it('counts a client that dies inside a frame, and keeps nothing of it', async () => {
    const started = run();
    const client = await opened();
    client.write(badSubmitFrame.subarray(0, -1));
    client.socket.destroy();
    await until(() => requests.length === 2);
    await until(() => started.stats().connections === 0);
    const { refusals, heldBytes } = started.stats();
    assert.deepEqual([refusals, heldBytes], [{ 'frame-truncated': 1 }, 0]);
  });

  it('holds no more than its limits of a client that stops reading, and ends it', async () => {
    const limits = { inFlightMax: 8, outgoingBytesHigh: 4096, stallTimeMs: 1 };
    const started = run(limits);
    const client = await opened();
    const many = Buffer.concat(Array<Uint8Array>(20_000).fill(badSubmitFrame));
    client.write(many);
    let queuedFramesMax = 0;
    await until(() => {
      queuedFramesMax = Math.max(queuedFramesMax, started.stats().queuedFrames);
      return started.stats().refusals['client-stalled'] === 1;
    });
    assert.ok(queuedFramesMax <= limits.inFlightMax, `${queuedFramesMax} frames were queued`);
    assert.ok((started.stats().refusals['submission-malformed'] ?? 0) < 20_000);
    await until(() => requests.length === 2);
  });

  it('refuses another process that writes into the session', async () => {
    run();
    const client = await opened();
    await writeFromChild(client.socket, badSubmitFrame);
    assert.ok(['writer-changed', 'writer-unknown'].includes(String(await client.refusal())));
  });

  it('refuses a frame that two processes wrote', async () => {
    run();
    const client = await opened();
    await new Promise((resolve) => client.socket.write(badSubmitFrame.subarray(0, 5), resolve));
    await writeFromChild(client.socket, badSubmitFrame.subarray(5));
    assert.ok(['frame-two-writers', 'writer-unknown'].includes(String(await client.refusal())));
  });

  it('pushes to connections that are there', async () => {
    const started = run();
    const client = await opened();
    const connection = requests[0]?.connection ?? 0n;
    assert.equal(started.pushAnchored(connection, 3, encodeCbor(['receipt'])), true);
    assert.deepEqual((await client.frame())?.fields, [3, ['receipt']]);
    assert.equal(started.pushAnchored(connection, 3, new Uint8Array(2 ** 20 + 1)), false);
    assert.equal(started.pushAnchored(99n, 3, encodeCbor([])), false);
  });

  it('closes a session', async () => {
    run();
    const client = await opened();
    client.write(frameOf(FRAME.close, encodeCbor([sessionId])));
    assert.deepEqual(await client.frame(), { type: FRAME.closed, fields: [sessionId, 0] });
    assert.equal(await client.frame(), null);
    assert.deepEqual(
      requests.map(({ kind }) => kind),
      ['open', 'close'],
    );
  });

  it('stops: says so, removes its socket and gives no more batches', async () => {
    const started = run();
    const client = await opened();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await started.stop();
    await running;
    assert.equal(await client.refusal(), 'stopping');
    assert.equal(await client.frame(), null);
    assert.equal(existsSync(path), false);
    assert.equal(await started.next(), null);
  });

  it('ends with the environment that it runs in', async () => {
    const library = new URL('../lib/index.ts', import.meta.url).href;
    const worker = new Worker(
      `import(${JSON.stringify(library)}).then(({ startIntake }) => {
         const { workerData, parentPort } = require('node:worker_threads');
         void startIntake(workerData).next();
         parentPort.postMessage('listening');
       });`,
      {
        eval: true,
        workerData: {
          socketPath: path,
          socketMode: 0o600,
          ledgerId,
          origin: 'o',
          verifyThreads: 2,
        },
      },
    );
    assert.deepEqual(await once(worker, 'message'), ['listening']);
    await worker.terminate();
    assert.equal(existsSync(path), false);
  });

  it('says why it cannot listen', () => {
    const listenAt = (socketPath: string) => () =>
      startIntake({ socketPath, socketMode: 0o600, ledgerId, origin: 'o', verifyThreads: 1 });
    assert.throws(listenAt(`/tmp/${'x'.repeat(103)}`), { code: 'socket-path-too-long' });
    assert.throws(listenAt(join(folder, 'absent', 'agent.sock')), { code: 'socket-unusable' });
    start();
    assert.throws(
      listenAt(path),
      (error) => error instanceof NativeError && /another process listens/.test(error.message),
    );
  });

  it('checks its arguments', async () => {
    const limits = { inFlight: 3 } as IntakeLimits;
    assert.throws(() => start(limits), /limits\.inFlight is not a limit/);
    const started = start();
    const pending = started.next();
    await assert.rejects(started.next(), { code: 'next-pending' });
    assert.throws(() => started.bindSession(1n, { ...binding, publicKey: zeroHash }), {
      code: 'key-unusable',
    });
    await started.stop();
    assert.equal(await pending, null);
  });

  it('names the process that connected', async () => {
    const server = createServer().listen(path);
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket & { _handle: { fd: number } }]>;
    const client = await AgentSocket.connect(path);
    const [connection] = await accepted;
    const { pid, uid } = peerCredentials(connection._handle.fd);
    assert.deepEqual([pid, uid], [process.pid, process.getuid?.()]);
    client.socket.destroy();
    connection.destroy();
    server.close();
  });
});

/** A process of its own writes `bytes` on the socket it was given, then ends. */
async function writeFromChild(socket: Socket, bytes: Uint8Array): Promise<void> {
  const hex = Buffer.from(bytes).toString('hex');
  const program = `require('fs').writeSync(3, Buffer.from('${hex}', 'hex'))`;
  const child = spawn(process.execPath, ['-e', program], {
    stdio: ['ignore', 'inherit', 'inherit', socket],
  });
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0);
}

/** Looks again and again; the test's own time limit ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
