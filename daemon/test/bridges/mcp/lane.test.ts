import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';

import { AgentError, type Action, type ActionReceipt } from '@kudurru/agent';
import { describe, it } from 'mocha';

import { Catalogue } from '../../../bridges/mcp/catalogue.ts';
import { Lane } from '../../../bridges/mcp/lane.ts';
import { Recorder, type Ledger } from '../../../bridges/mcp/recorder.ts';

/** A ledger whose commits a test lets through, and a proxy's two lanes around it. */
class Bench {
  readonly events: string[] = [];
  readonly said: string[] = [];
  readonly committed: Action[][] = [];
  /** Null lets a submission through. */
  refuse: (actions: readonly Action[]) => AgentError | null = () => null;
  /** Awaited before each answer of the ledger. */
  gate: () => Promise<void> = () => Promise.resolve();
  readonly #fromClient = new PassThrough();
  readonly #fromServer = new PassThrough();
  readonly toServer: string[] = [];
  readonly toClient: string[] = [];
  readonly #lanes: Promise<void>[];

  constructor() {
    const say = (line: string): void => void this.said.push(line);
    const catalogue = new Catalogue(say);
    const client = new Recorder({ side: 'client', catalogue, say });
    const server = new Recorder({ side: 'server', catalogue, say });
    const ledger: Ledger = { submit: (actions) => this.#submit(actions) };
    const toServer = this.#sink('to server', this.toServer);
    const toClient = this.#sink('to client', this.toClient);
    const clientLane = new Lane({
      ...{ from: 'client', source: this.#fromClient, onward: toServer, back: toClient },
      ...{ requests: client, answers: server, ledger, say },
    });
    const serverLane = new Lane({
      ...{ from: 'server', source: this.#fromServer, onward: toClient, back: toServer },
      ...{ requests: server, answers: client, ledger, say },
    });
    this.#lanes = [clientLane.run(), serverLane.run()];
  }

  client(...messages: unknown[]): void {
    for (const message of messages) this.#fromClient.write(textOf(message));
  }

  server(...messages: unknown[]): void {
    for (const message of messages) this.#fromServer.write(textOf(message));
  }

  /** Waits until `count` lines have reached the side. */
  async reached(side: 'toServer' | 'toClient', count: number): Promise<void> {
    while (this[side].length < count) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<void> {
    this.#fromClient.end();
    this.#fromServer.end();
    await Promise.all(this.#lanes);
  }

  async #submit(actions: readonly Action[]): Promise<{ actions: ActionReceipt[] }> {
    await this.gate();
    const error = this.refuse(actions);
    if (error !== null) throw error;
    this.events.push(`committed ${actions.map(({ kind }) => kind).join(' ')}`);
    const first = this.committed.flat().length;
    this.committed.push([...actions]);
    return {
      actions: actions.map((_, at) => ({
        reference: { session: new Uint8Array(32), sequence: BigInt(first + at) },
        index: BigInt(first + at),
        salts: new Map(),
      })),
    };
  }

  #sink(name: string, lines: string[]): PassThrough {
    const stream = new PassThrough();
    stream.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n').slice(0, -1)) {
        lines.push(line);
        this.events.push(name);
      }
    });
    return stream;
  }
}

function textOf(message: unknown): string {
  return typeof message === 'string' ? message : `${JSON.stringify(message)}\n`;
}

const call = (id: number | string, name = 'write_file'): object => ({
  ...{ jsonrpc: '2.0', id, method: 'tools/call' },
  params: { name, arguments: { path: '/tmp/x' } },
});
const answer = (id: number | string, result: object = { content: [] }): object => ({
  ...{ jsonrpc: '2.0', id, result },
});
const unreachable = AgentError.own('ledger-unreachable', 'no ledger');

describe('mcp lane', () => {
  it('commits before it hands on, both the call and its answer', async () => {
    const bench = new Bench();
    bench.client(call(1));
    await bench.reached('toServer', 1);
    bench.server(answer(1));
    await bench.reached('toClient', 1);
    await bench.end();
    assert.deepEqual(bench.events, [
      'committed intent',
      'to server',
      'committed outcome',
      'to client',
    ]);
    const [[intent], [outcome]] = bench.committed as [[Action], [Action]];
    assert.equal(intent.operation, 'tools/call');
    assert.equal(intent.tool?.name, 'write_file');
    assert.equal(intent.coverage, 'mediated');
    assert.deepEqual(intent.externalId, { scheme: 'json-rpc', id: '1' });
    assert.equal(outcome.status, 'success');
    assert.equal(outcome.observedBy, 'bridge');
    assert.equal(outcome.intent?.sequence, 0n);
  });

  it('hands on the bytes of a line as they came', async () => {
    const bench = new Bench();
    const line =
      '{ "jsonrpc":"2.0","id" : 1,"method":"tools/call", "params":{"name":"a\\u00e9"} }\r\n';
    bench.client(line);
    await bench.reached('toServer', 1);
    await bench.end();
    assert.equal(`${bench.toServer[0]}\n`, line);
    const input = bench.committed[0]?.[0]?.private?.input as { bytes: Uint8Array };
    assert.equal(Buffer.from(input.bytes).toString(), '{"name":"a\\u00e9"}');
  });

  it('hands on in the order of the lines, with many commits under way', async () => {
    const bench = new Bench();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let asked = 0;
    bench.gate = () => gates[asked++]?.promise ?? Promise.resolve();
    bench.client(call(1), call(2), { jsonrpc: '2.0', id: 3, method: 'ping' });
    while (asked < 2) await new Promise((resolve) => setImmediate(resolve));
    gates[1]?.resolve();
    gates[0]?.resolve();
    await bench.reached('toServer', 3);
    await bench.end();
    const ids = bench.toServer.map((line) => (JSON.parse(line) as { id: number }).id);
    assert.deepEqual(ids, [1, 2, 3]);
  });

  it('matches answers that come in another order', async () => {
    const bench = new Bench();
    bench.client(call(1), call('1'));
    await bench.reached('toServer', 2);
    bench.server(answer('1'), answer(1, { isError: true, content: [] }));
    await bench.reached('toClient', 2);
    await bench.end();
    const outcomes = bench.committed.flat().filter(({ kind }) => kind === 'outcome');
    assert.deepEqual(
      outcomes.map(({ intent, status, errorType }) => [intent?.sequence, status, errorType]),
      [
        [1n, 'success', undefined],
        [0n, 'failure', 'tool_error'],
      ],
    );
  });

  it('answers a call it cannot record, and does not hand it on', async () => {
    const bench = new Bench();
    bench.refuse = () => unreachable;
    bench.client(call(7));
    await bench.reached('toClient', 1);
    await bench.end();
    assert.deepEqual(bench.toServer, []);
    const { id, error } = JSON.parse(bench.toClient[0] ?? '') as {
      id: number;
      error: { code: number; message: string; data: object };
    };
    assert.equal(id, 7);
    assert.equal(error.code, -32001);
    assert.match(error.message, /not forwarded: not recorded: ledger-unreachable/);
    assert.deepEqual(error.data, { code: 'ledger-unreachable', retry: 'later', effect: 'none' });
  });

  it('says that the effect may have happened where the outcome is not recorded', async () => {
    const bench = new Bench();
    bench.refuse = ([action]) => (action?.kind === 'outcome' ? unreachable : null);
    bench.client(call(7));
    await bench.reached('toServer', 1);
    bench.server(answer(7, { secret: 'result' }));
    await bench.reached('toClient', 1);
    await bench.end();
    assert.doesNotMatch(bench.toClient[0] ?? '', /secret/);
    assert.match(bench.toClient[0] ?? '', /the effect may have happened/);
  });

  it('records the requests of the server to the client the same way', async () => {
    const bench = new Bench();
    bench.server({ jsonrpc: '2.0', id: 1, method: 'sampling/createMessage', params: {} });
    await bench.reached('toClient', 1);
    bench.client(answer(1));
    await bench.reached('toServer', 1);
    await bench.end();
    assert.deepEqual(
      bench.committed.flat().map(({ kind, actionType }) => `${kind} ${actionType}`),
      ['intent interaction', 'outcome interaction'],
    );
  });

  it('records all that a batch needs in one statement', async () => {
    const bench = new Bench();
    bench.client([call(1), { jsonrpc: '2.0', id: 2, method: 'ping' }, call(3)]);
    await bench.reached('toServer', 1);
    assert.equal(bench.committed[0]?.length, 2);
    bench.server([answer(3), answer(2), answer(1)]);
    await bench.reached('toClient', 1);
    await bench.end();
    assert.deepEqual(
      bench.committed[1]?.map(({ intent }) => intent?.sequence),
      [1n, 0n],
    );
  });

  it('hands on nothing of a batch that it cannot record', async () => {
    const bench = new Bench();
    bench.refuse = () => unreachable;
    bench.client([call(1), { jsonrpc: '2.0', id: 2, method: 'ping' }]);
    await bench.reached('toClient', 1);
    await bench.end();
    assert.deepEqual(bench.toServer, []);
    const answers = JSON.parse(bench.toClient[0] ?? '') as { id: number }[];
    assert.deepEqual(
      answers.map(({ id }) => id),
      [1, 2],
    );
  });

  it('drops what cannot be read, and tells the client', async () => {
    const bench = new Bench();
    bench.client('{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}\n', '{\n');
    await bench.reached('toClient', 2);
    bench.server('loading…\n', answer(99));
    await bench.end();
    assert.deepEqual(bench.toServer, []);
    const codes = bench.toClient.map((line) => {
      return (JSON.parse(line) as { error: { code: number } }).error.code;
    });
    assert.deepEqual(codes, [-32600, -32700]);
    assert.equal(bench.said.length, 4);
  });

  it('refuses an id that is in use, and an answer nobody waits for', async () => {
    const bench = new Bench();
    bench.client(call(1), call(1));
    await bench.reached('toClient', 1);
    bench.server(answer(1), answer(1));
    await bench.reached('toClient', 2);
    await bench.end();
    assert.equal(bench.toServer.length, 1);
    assert.equal(bench.toClient.length, 2);
    assert.match(bench.toClient[0] ?? '', /id 1 is in use/);
  });

  it('names server, protocol, tool digest and effects as the server listed them', async () => {
    const bench = new Bench();
    const tool = (description: string): object => ({
      ...{ name: 'write_file', description, inputSchema: { type: 'object' } },
      annotations: { readOnlyHint: false, destructiveHint: true },
    });
    bench.client(
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} },
      { jsonrpc: '2.0', id: 2, method: 'tools/list' },
    );
    await bench.reached('toServer', 2);
    bench.server(
      answer(1, { protocolVersion: '2025-11-25', serverInfo: { name: 'files', version: '1' } }),
      answer(2, { tools: [tool('writes')] }),
    );
    await bench.reached('toClient', 2);
    bench.client(call(3), { jsonrpc: '2.0', id: 4, method: 'tools/list' });
    await bench.reached('toServer', 4);
    bench.server(answer(4, { tools: [tool('writes more')] }));
    await bench.reached('toClient', 3);
    await bench.end();
    const intent = bench.committed[0]?.[0];
    assert.equal(intent?.tool?.server, 'files');
    assert.equal(intent.tool.protocolVersion, '2025-11-25');
    assert.equal(intent.tool.schemaDigest?.length, 32);
    assert.equal(intent.sideEffect, 'update');
    assert.equal(intent.reversibility, 'irreversible');
    assert.equal(intent.targetType, 'file');
    assert.match(bench.said.join(), /changed its tool "write_file"/);
  });

  it('commits to a body that is too long without handing it over, and says so', async () => {
    const bench = new Bench();
    const content = 'x'.repeat(16_777_216);
    bench.client({ ...call(1), params: { name: 'write_file', arguments: { content } } });
    await bench.reached('toServer', 1);
    await bench.end();
    const input = bench.committed[0]?.[0]?.private?.input as { deposit: boolean };
    assert.equal(input.deposit, false);
    assert.match(bench.said.join(), /kept nowhere/);
  });
});
