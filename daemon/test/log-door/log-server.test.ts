import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';

import { formatTilePath, type TileName } from '@kudurru/proof';
import { after, before, beforeEach, describe, it } from 'mocha';

import { openLog } from '../../src/base/log.ts';
import type { PublishedLog } from '../../src/log-door/log-answer.ts';
import { LogFiles } from '../../src/log-door/log-files.ts';
import { openLogDoor, type LogDoor } from '../../src/log-door/log-server.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** 600 entries: two full tiles, and 88 of a third. */
const size = 600n;
const note = Buffer.from('example.org/log\n600\n');
const hashes = (first: number, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, at) => Buffer.alloc(32, first + at)));
/** Entries of different lengths, an empty one among them. */
const entries = (count: number): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, at) => Buffer.of(0, at % 5, ...Buffer.alloc(at % 5, at))),
  );

describe('log door', () => {
  let folder = '';
  let door: LogDoor;
  let published: PublishedLog;
  let covered = size;
  let remade: TileName[] = [];
  let ledgerIsFree: Promise<void> = Promise.resolve();
  const lines: string[] = [];
  const log = openLog({ level: 'warning', write: (line) => lines.push(line) });

  const put = (path: string, bytes: Uint8Array): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };
  const ask = async (
    path: string,
    headers: Readonly<Record<string, string>> = {},
    method = 'GET',
  ): Promise<Answer> => {
    const sent = request({ socketPath: join(folder, 'log.sock'), path, headers, method }).end();
    const [response] = await once(sent, 'response');
    const { statusCode = 0, headers: given } = response;
    return { status: statusCode, headers: given, body: await buffer(response) };
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-log-'));
    put('tile/0/000', hashes(0, 256));
    put('tile/0/002.p/88', hashes(9, 88));
    put('tile/entries/000', entries(256));
    put('tile/entries/001', entries(255));
    published = {
      ledgerId: new Uint8Array(32).fill(7),
      files: new LogFiles({
        folder,
        coveredSize: () => covered,
        remake: async (name) => {
          remade.push(name);
          await ledgerIsFree;
          return Buffer.from(`remade ${formatTilePath(name)}`);
        },
        log,
      }),
      checkpoint: () => note,
    };
    const socketPath = join(folder, 'log.sock');
    door = await openLogDoor({
      published,
      socketPath,
      listen: { host: '127.0.0.1', port: 0 },
      log,
    });
  });
  beforeEach(() => {
    remade = [];
    covered = size;
  });
  after(async () => {
    await door.stop();
    rmSync(folder, { recursive: true });
  });

  it('gives the checkpoint as text that is not kept, with a tag', async () => {
    const { status, headers, body } = await ask('/checkpoint');
    assert.equal(status, 200);
    assert.deepEqual(body, note);
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-cache');
    const again = await ask('/checkpoint', { 'if-none-match': `"x", W/${headers.etag}` });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    assert.equal((await ask('/checkpoint', { 'if-none-match': '"x"' })).status, 200);
  });

  it('gives full tiles for ever', async () => {
    const { status, headers, body } = await ask('/tile/0/000');
    assert.equal(status, 200);
    assert.deepEqual(body, hashes(0, 256));
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(headers['content-length'], String(256 * 32));
    const again = await ask('/tile/0/000', { 'if-none-match': String(headers.etag) });
    assert.equal(again.status, 304);
    assert.deepEqual(remade, []);
  });

  it('gives partial tiles at every width that the checkpoint covers', async () => {
    const { body, headers } = await ask('/tile/0/002.p/88');
    assert.deepEqual(body, hashes(9, 88));
    assert.equal(headers['cache-control'], 'public, max-age=3600, immutable');
    const ofFull = await ask('/tile/0/000.p/3');
    assert.deepEqual(ofFull.body, hashes(0, 3));
    assert.notEqual(ofFull.headers.etag, headers.etag);
    const entriesOfFull = await ask('/tile/entries/000.p/7');
    assert.deepEqual(entriesOfFull.body, entries(7));
    assert.deepEqual(remade, []);
    const made = await ask('/tile/0/002.p/50');
    assert.equal(made.body.toString(), 'remade tile/0/002.p/50');
  });

  it('has what is missing or not of its form made again', async () => {
    assert.equal((await ask('/tile/0/001')).body.toString(), 'remade tile/0/001');
    assert.equal((await ask('/tile/entries/001')).body.toString(), 'remade tile/entries/001');
    assert.deepEqual(remade, [
      { level: 0, index: 1n, width: 256 },
      { level: 'entries', index: 1n, width: 256 },
    ]);
    assert.match(lines.join(''), /file of the log is damaged.*tile\/entries\/001/u);
  });

  it('gives nothing that no checkpoint covers', async () => {
    for (const path of ['/tile/0/002', '/tile/0/002.p/89', '/tile/0/003', '/tile/2/000.p/1']) {
      const { status, body, headers } = await ask(path);
      assert.equal(status, 404, path);
      assert.match(body.toString(), /^not-found: /u);
      assert.equal(headers['cache-control'], 'no-store');
    }
    covered = 255n;
    assert.equal((await ask('/tile/0/000')).status, 404);
    assert.deepEqual(remade, []);
  });

  it('asks the ledger for a few files at a time, and puts off who wants more', async () => {
    const ledger = Promise.withResolvers<void>();
    ledgerIsFree = ledger.promise;
    const asked = Array.from({ length: 5 }, (_, at) => ask(`/tile/0/002.p/${at + 1}`));
    const refused = await Promise.race(asked);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal((await ask('/tile/0/000')).status, 200);
    ledger.resolve();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.deepEqual(
      statuses.toSorted((one, other) => one - other),
      [200, 200, 200, 200, 503],
    );
  });

  it('opens nothing where its address is taken', async () => {
    const [, tcp = ''] = door.addresses;
    const socketPath = join(folder, 'other.sock');
    const listen = { host: '127.0.0.1', port: Number(new URL(tcp).port) };
    const options = { published, socketPath, listen, log };
    await assert.rejects(openLogDoor(options), { code: 'socket-unusable' });
    assert.equal(existsSync(socketPath), false);
  });

  const odd: readonly (readonly [string, number])[] = [
    ['/tile/0/000?x', 400],
    ['/../checkpoint', 400],
    ['/tile/%30/000', 400],
    ['/index.html', 404],
    [`/${'x'.repeat(300)}`, 414],
  ];
  for (const [path, status] of odd) {
    it(`answers ${path.slice(0, 20)} with ${status}`, async () => {
      assert.equal((await ask(path)).status, status);
    });
  }

  it('answers HEAD as GET without the bytes, and no other method', async () => {
    const head = await ask('/tile/0/000', {}, 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-length'], String(256 * 32));
    assert.equal(head.body.length, 0);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await ask('/checkpoint', {}, method);
      assert.equal(refused.status, 405);
      assert.equal(refused.headers.allow, 'GET, HEAD');
    }
  });

  it('gives one range of bytes', async () => {
    const whole = hashes(0, 256);
    const part = await ask('/tile/0/000', { range: 'bytes=32-63' });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], 'bytes 32-63/8192');
    assert.deepEqual(part.body, whole.subarray(32, 64));
    const rest = await ask('/tile/0/000', { range: 'bytes=8160-' });
    assert.deepEqual(rest.body, whole.subarray(8160));
    const end = await ask('/tile/0/000', { range: 'bytes=-64' });
    assert.deepEqual(end.body, whole.subarray(-64));
    assert.equal((await ask('/tile/0/000', { range: 'bytes=8192-' })).status, 416);
    for (const range of ['bytes=1-2,4-5', 'bytes=5-4', 'lines=1-2', 'bytes=-']) {
      assert.equal((await ask('/tile/0/000', { range })).status, 200, range);
    }
    const other = { range: 'bytes=0-1', 'if-range': '"other"' };
    assert.equal((await ask('/tile/0/000', other)).status, 200);
  });

  it('answers on TCP too, and says where', async () => {
    const [unix = '', tcp = ''] = door.addresses;
    assert.equal(unix, `unix:${join(folder, 'log.sock')}`);
    assert.equal(await (await fetch(`${tcp}/checkpoint`)).text(), note.toString());
    assert.equal(statSync(join(folder, 'log.sock')).mode & 0o777, 0o660);
  });

  it('refuses headers that are too long', async () => {
    const socket = connect(join(folder, 'log.sock'));
    socket.end(`GET /checkpoint HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1.1 431 /u);
  });

  it('holds nothing for answers that were read or given up', async () => {
    const socket = connect(join(folder, 'log.sock'));
    socket.write('GET /tile/entries/000 HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    await ask('/tile/0/000');
    const silent = connect(join(folder, 'log.sock'));
    await once(silent, 'connect');
    const closed = once(silent.resume(), 'close');
    await door.stop();
    await closed;
    assert.equal(door.heldBytes, 0);
  });
});
