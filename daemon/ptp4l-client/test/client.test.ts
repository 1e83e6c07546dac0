/** The client against a socket that does what ptp4l does not, or ptp4l that is not there. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatagramSocket } from '@kudurru/native';
import type { DatagramSocket } from '@kudurru/native';
import { decodePtpManagement } from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { Ptp4lClient } from '../src/client.ts';
import type { ClientOptions, Rejected } from '../src/client.ts';

const uid = process.getuid?.() ?? 0;
const ERROR_TLV = 2;
const RESPONSE = 2;

describe('client', () => {
  let folder: string;
  let serverPath: string;
  let server: DatagramSocket | null = null;
  let client: Ptp4lClient | null = null;
  let rejected: Rejected[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-ptp4l-'));
    serverPath = join(folder, 'server');
    rejected = [];
  });
  afterEach(() => {
    client?.close();
    server?.close();
    [client, server] = [null, null];
    rmSync(folder, { recursive: true });
  });

  function open(options: Partial<ClientOptions> = {}): Ptp4lClient {
    client = new Ptp4lClient({
      ...{ serverPath, clientPath: join(folder, 'client'), allowedUids: [uid] },
      deadlineMs: 60_000,
      rejected: (each) => rejected.push(each),
      ...options,
    });
    return client;
  }

  /** Answers each request with what `answers` makes of it. */
  function serve(answers: (request: Uint8Array) => readonly Uint8Array[]): void {
    server = openDatagramSocket({
      path: serverPath,
      receive: (datagrams) => {
        for (const { bytes, from } of datagrams) {
          for (const answer of answers(bytes)) server?.send(from, answer);
        }
      },
      fail: (error) => assert.fail(error),
    });
  }

  it('goes by the answer, whatever lies come before it', async () => {
    serve((request) => [
      Uint8Array.of(1, 2, 3),
      replyTo(request, { sequenceChange: 1 }),
      replyTo(request, { clock: 0x99 }),
      replyTo(request, {}),
      replyTo(request, {}),
    ]);
    const [reply] = await open({ clockIdentity: '1111111111111111' }).get('PRIORITY1');
    assert.equal(reply?.message.sourcePortIdentity.clockIdentity, '1111111111111111');
    // The last of them is judged after the answer.
    while (rejected.length < 4) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      rejected.map(({ reason }) => reason),
      ['malformed', 'sequence', 'clock', 'late'],
    );
    assert.deepEqual(rejected[0]?.datagram.bytes, Uint8Array.of(1, 2, 3));
  });

  it('asks under another identity each time, and lets nothing be handed on', async () => {
    const seen: Uint8Array[] = [];
    serve((request) => {
      seen.push(request);
      return [replyTo(request, {})];
    });
    for (let times = 0; times < 2; times++) {
      await open().get('PRIORITY1');
      client?.close();
    }
    const [one, other] = seen.map((bytes) => decodePtpManagement(bytes));
    assert.ok(one !== undefined && other !== undefined);
    assert.notDeepEqual(one.sourcePortIdentity, other.sourcePortIdentity);
    assert.deepEqual([one.boundaryHops, one.startingBoundaryHops], [0, 0]);
  });

  it('says what ptp4l refused', async () => {
    serve((request) => [refusalOf(request)]);
    await assert.rejects(open().get('PORT_HWCLOCK_NP'), {
      ...{ name: 'Ptp4lError', code: 'refused', detail: 'NO_SUCH_ID', retry: 'never' },
      message: 'ptp4l refused PORT_HWCLOCK_NP: NO_SUCH_ID',
    });
  });

  it('gives up at the deadline, and ends what waits when it is closed', async () => {
    serve(() => []);
    await assert.rejects(open({ deadlineMs: 10 }).get('PRIORITY1'), {
      ...{ code: 'no-answer', retry: 'later' },
    });
    client?.close();
    const waiting = open().get('PRIORITY1');
    client?.close();
    await assert.rejects(waiting, { code: 'closed' });
    await assert.rejects(client?.get('PRIORITY1') ?? Promise.resolve(), { code: 'closed' });
  });

  it('names the socket that is not there, or is none, or is of another', async () => {
    await assert.rejects(open().get('PRIORITY1'), { code: 'socket-gone' });
    writeFileSync(serverPath, '');
    await assert.rejects(client?.get('PRIORITY1') ?? Promise.resolve(), {
      ...{ code: 'socket-impostor', message: `"${serverPath}" is not a socket` },
    });
    rmSync(serverPath);
    serve(() => assert.fail('it was asked'));
    client?.close();
    await assert.rejects(open({ allowedUids: [uid + 1] }).get('PRIORITY1'), {
      code: 'socket-impostor',
    });
  });

  it('is told that it may not write there', async function () {
    if (uid === 0) this.skip();
    serve(() => []);
    chmodSync(serverPath, 0);
    await assert.rejects(open().get('PRIORITY1'), { code: 'socket-denied' });
  });

  it('reaches ptp4l by a link, which has the socket under another name', async () => {
    const link = join(folder, 'link');
    symlinkSync(serverPath, link);
    serve((request) => [replyTo(request, {})]);
    const replies = await open({ serverPath: link }).get('PRIORITY1');
    assert.equal(replies.length, 1);
  });

  it('cannot be made where another socket is', () => {
    serve(() => []);
    assert.throws(() => open({ clientPath: serverPath }), { code: 'client-path-unusable' });
  });
});

interface Lie {
  readonly sequenceChange?: number;
  readonly clock?: number;
}

/** PRIORITY1 of 128, from the clock 1111111111111111 unless told. */
function replyTo(request: Uint8Array, { sequenceChange = 0, clock = 0x11 }: Lie): Uint8Array {
  const bytes = Uint8Array.from([...request, 128, 0]);
  const view = answerHead(bytes, request, clock);
  view.setUint16(30, (view.getUint16(30) + sequenceChange) & 0xffff);
  return bytes;
}

function refusalOf(request: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from([...request, 0, 0, 0, 0, 0, 0]);
  const view = answerHead(bytes, request, 0x11);
  view.setUint16(48, ERROR_TLV);
  view.setUint16(54, view.getUint16(52));
  view.setUint16(52, 2);
  return bytes;
}

function answerHead(bytes: Uint8Array, request: Uint8Array, clock: number): DataView {
  bytes.copyWithin(34, 20, 30);
  bytes.fill(clock, 20, 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(28, 0);
  view.setUint8(46, RESPONSE);
  view.setUint16(2, bytes.length);
  view.setUint16(50, bytes.length - request.length + 2);
  return view;
}
