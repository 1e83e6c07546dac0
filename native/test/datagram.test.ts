/** Unix datagram sockets through the facade. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { openDatagramSocket } from '../lib/index.ts';
import type { Datagram, DatagramSocket } from '../lib/index.ts';

/** A socket, and what it received. */
class Mailbox {
  readonly socket: DatagramSocket;
  readonly #received: Datagram[] = [];
  #tell: () => void = () => undefined;

  constructor(path: string, sizeBytesMax = 2048) {
    this.socket = openDatagramSocket({
      ...{ path, sizeBytesMax },
      receive: (datagrams) => {
        this.#received.push(...datagrams);
        this.#tell();
      },
      fail: (error) => assert.fail(error),
    });
  }

  async next(): Promise<Datagram> {
    while (this.#received.length === 0) {
      await new Promise<void>((resolve) => (this.#tell = resolve));
    }
    return this.#received.shift() as Datagram;
  }
}

describe('datagram', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-datagram-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('sends and receives, with sender and clocks', async () => {
    const [one, other] = [new Mailbox(join(folder, 'one')), new Mailbox(join(folder, 'other'))];
    one.socket.send(join(folder, 'other'), Uint8Array.of(1, 2));
    one.socket.send(join(folder, 'other'), Uint8Array.of(3));
    const first = await other.next();
    assert.deepEqual(first.bytes, Uint8Array.of(1, 2));
    assert.equal(first.from, join(folder, 'one'));
    assert.equal(first.sender?.pid, process.pid);
    assert.equal(first.sender?.uid, process.getuid?.());
    assert.ok(first.rawBeforeNs <= first.rawAfterNs && first.realtimeNs > 0n);
    const second = await other.next();
    assert.deepEqual(second.bytes, Uint8Array.of(3));
    assert.ok(second.rawBeforeNs >= first.rawAfterNs);
    other.socket.send(second.from, Uint8Array.of(4));
    assert.deepEqual((await one.next()).bytes, Uint8Array.of(4));
    one.socket.close();
    other.socket.close();
    other.socket.close();
    assert.deepEqual(readdirSync(folder), []);
    assert.throws(() => one.socket.send(join(folder, 'other'), Uint8Array.of(1)), {
      code: 'ENOTCONN',
    });
  });

  it('cuts off what is too long, and says so', async () => {
    const one = new Mailbox(join(folder, 'one'), 2);
    one.socket.send(join(folder, 'one'), Uint8Array.of(1, 2, 3));
    const { bytes, truncated } = await one.next();
    assert.deepEqual([bytes, truncated], [Uint8Array.of(1, 2), true]);
    one.socket.close();
  });

  it('says in words why a datagram cannot be sent', () => {
    const { socket } = new Mailbox(join(folder, 'one'));
    const nobody = join(folder, 'nobody');
    const failure = { name: 'NativeError', domain: 'errno', operation: 'send' };
    assert.throws(() => socket.send(nobody, Uint8Array.of(1)), {
      ...{ ...failure, code: 'ENOENT' },
      message:
        `cannot send to "${nobody}": there is no such socket or folder: ` +
        'the server does not run, or has it elsewhere',
    });
    assert.throws(() => socket.send('x'.repeat(108), Uint8Array.of(1)), {
      ...{ ...failure, code: 'ENAMETOOLONG' },
    });
    assert.throws(() => socket.send(1 as unknown as string, Uint8Array.of(1)), TypeError);
    socket.close();
  });

  it('says in words why a socket cannot be made', () => {
    const path = join(folder, 'one');
    const { socket } = new Mailbox(path);
    assert.throws(() => new Mailbox(path), {
      ...{ name: 'NativeError', code: 'EADDRINUSE', operation: 'bind' },
      message: `cannot make a socket at "${path}": another process has a socket there`,
    });
    assert.throws(() => new Mailbox(join(folder, 'no', 'one')), { code: 'ENOENT' });
    socket.close();
  });

  it('a socket of a process that was killed is found refused, and is replaced', () => {
    const path = join(folder, 'left');
    const lib = new URL('../lib/index.ts', import.meta.url).href;
    const program = `const { openDatagramSocket } = await import(${JSON.stringify(lib)});
      openDatagramSocket({ path: ${JSON.stringify(path)}, receive() {}, fail() {} });
      process.kill(process.pid, 'SIGKILL');`;
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(signal, 'SIGKILL');
    assert.ok(existsSync(path));
    const { socket } = new Mailbox(join(folder, 'one'));
    assert.throws(() => socket.send(path, Uint8Array.of(1)), { code: 'ECONNREFUSED' });
    new Mailbox(path).socket.close();
    assert.ok(!existsSync(path));
    socket.close();
  });

  it('goes with the worker that opened it', async () => {
    const path = join(folder, 'worker');
    const lib = new URL('../lib/index.ts', import.meta.url).href;
    const program = `import(${JSON.stringify(lib)}).then(({ openDatagramSocket }) => {
      openDatagramSocket({ path: ${JSON.stringify(path)}, receive() {}, fail() {} });
      require('node:worker_threads').parentPort.postMessage('open');
    });`;
    const worker = new Worker(program, { eval: true });
    await once(worker, 'message');
    assert.ok(existsSync(path));
    await worker.terminate();
    assert.ok(!existsSync(path));
  });
});
