import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

import { KudurruError } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { json, type Route } from '../../src/control/router.ts';
import { startControlServer, type ControlServer } from '../../src/control/server.ts';

const routes: readonly Route[] = [
  { method: 'GET', path: '/caller', handle: ({ caller }) => json(caller) },
  { method: 'GET', path: '/query', handle: ({ query }) => json([...query]) },
  { method: 'POST', path: '/echo', handle: ({ body }) => json(body, 201) },
  {
    method: 'GET',
    path: '/refuse',
    handle: () => {
      throw new KudurruError('not-found', 'no such thing');
    },
  },
  {
    method: 'GET',
    path: '/break',
    handle: () => {
      throw new Error('a secret of the inside');
    },
  },
];

describe('control server, stop', () => {
  it('waits for nobody who only keeps the line open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-control-'));
    const path = join(folder, 'control.sock');
    const server = await startControlServer({
      path,
      routes,
      callerOf: (descriptor) => ({ uid: 7, pid: descriptor }),
      allowedUid: 7,
      log: openLog({ level: 'error', write: () => undefined }),
    });
    const silent = connect(path);
    await once(silent, 'connect');
    const cut = connect(path);
    cut.write('POST /echo HTTP/1.1\r\ncontent-length: 9\r\n\r\n{');
    const answered = connect(path);
    answered.write('GET /caller HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(answered, 'data'); // by now the server has seen all three
    const closed = [silent, cut, answered].map((socket) => once(socket.resume(), 'close'));
    await server.stop();
    await Promise.all(closed);
    rmSync(folder, { recursive: true });
  });
});

describe('control server', () => {
  let folder = '';
  let server: ControlServer;
  let callerUid = 7;
  const lines: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-control-'));
    server = await startControlServer({
      path: join(folder, 'control.sock'),
      routes,
      callerOf: (descriptor) => ({ uid: callerUid, pid: descriptor }),
      allowedUid: 7,
      log: openLog({ level: 'error', write: (line) => lines.push(line) }),
    });
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('names the caller by the descriptor of the connection', async () => {
    const { status, body } = await ask('GET', '/caller');
    assert.equal(status, 200);
    const caller = JSON.parse(body) as { uid: number; pid: number };
    assert.equal(caller.uid, 7);
    assert.ok(caller.pid > 2);
  });

  it('lets only the owner reach the socket', () => {
    assert.equal(statSync(join(folder, 'control.sock')).mode & 0o777, 0o600);
  });

  it('refuses every other uid', async () => {
    callerUid = 8;
    const { status, body } = await ask('GET', '/caller');
    callerUid = 7;
    assert.equal(status, 403);
    assert.equal(codeOf(body), 'caller-not-allowed');
  });

  it('takes the query behind the first question mark', async () => {
    assert.equal((await ask('GET', '/query?a=b?c&d=%2F')).body, '[["a","b?c"],["d","/"]]\n');
    assert.equal((await ask('GET', '/query')).body, '[]\n');
  });

  it('reads a JSON body', async () => {
    assert.deepEqual(await ask('POST', '/echo', '{"a":1}'), { status: 201, body: '{"a":1}\n' });
  });

  const refusals: readonly (readonly [string, string, string, string, number])[] = [
    ['POST', '/echo', '{', 'request-malformed', 400],
    ['POST', '/echo', `"${'x'.repeat(65_536)}"`, 'request-too-long', 413],
    ['GET', '/nowhere', '', 'path-unknown', 404],
    ['POST', '/caller', '{}', 'method-not-allowed', 405],
    ['GET', '/refuse', '', 'not-found', 404],
  ];
  for (const [method, path, sent, code, status] of refusals) {
    it(`answers ${code} to ${method} ${path} with ${sent.length} bytes`, async () => {
      const answer = await ask(method, path, sent);
      assert.equal(answer.status, status);
      assert.equal(codeOf(answer.body), code);
    });
  }

  it('keeps the inside of an internal error for the log', async () => {
    const { status, body } = await ask('GET', '/break');
    assert.equal(status, 500);
    assert.equal(codeOf(body), 'internal');
    assert.doesNotMatch(body, /secret/u);
    assert.match(lines.join(''), /a secret of the inside/u);
  });

  function ask(
    method: string,
    path: string,
    sent = '',
  ): Promise<{ status: number | undefined; body: string }> {
    return new Promise((resolve, reject) => {
      const socketPath = join(folder, 'control.sock');
      const asked = request({ socketPath, method, path, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (body += part));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      asked.on('error', reject);
      asked.end(sent);
    });
  }
});

function codeOf(body: string): unknown {
  return (JSON.parse(body) as { code: unknown }).code;
}
