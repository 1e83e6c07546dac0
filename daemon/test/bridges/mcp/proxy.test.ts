import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';

import type { Action, ActionReceipt } from '@kudurru/agent';
import { describe, it } from 'mocha';

import { LINE_SIZE_BYTES_MAX } from '../../../bridges/mcp/line-reader.ts';
import { runProxy } from '../../../bridges/mcp/proxy.ts';

const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}\n';

interface Run {
  readonly exitCode: Promise<number>;
  readonly input: PassThrough;
  readonly signals: EventEmitter;
  readonly committed: Action[];
  readonly said: string[];
  output(): string;
}

/** The proxy around a server that is a few lines of JavaScript. */
function start(script: string, command = process.execPath): Run {
  const committed: Action[] = [];
  const said: string[] = [];
  const chunks: Buffer[] = [];
  const input = new PassThrough();
  const output = new PassThrough();
  output.on('data', (chunk: Buffer) => chunks.push(chunk));
  const signals = new EventEmitter();
  const submit = (actions: readonly Action[]): Promise<{ actions: ActionReceipt[] }> => {
    committed.push(...actions);
    return Promise.resolve({
      actions: actions.map((_, at) => ({
        reference: { session: new Uint8Array(32), sequence: BigInt(at) },
        index: BigInt(at),
        salts: new Map(),
      })),
    });
  };
  const exitCode = runProxy({
    ...{ command, parameters: ['-e', script], input, output, signals },
    ledger: { submit },
    say: (line) => said.push(line),
  });
  return {
    ...{ exitCode, input, signals, committed, said },
    output: () => Buffer.concat(chunks).toString(),
  };
}

describe('mcp proxy', () => {
  it('ends the server with the client, and passes its exit code on', async () => {
    const run = start('process.stdin.resume().on("end", () => process.exit(23))');
    run.input.end();
    assert.equal(await run.exitCode, 23);
  });

  it('records an unknown outcome when the server ends before it answers', async () => {
    const run = start('process.stdin.once("data", () => process.exit(3))');
    run.input.write(call);
    assert.equal(await run.exitCode, 3);
    assert.deepEqual(
      run.committed.map(({ kind, status, errorType }) => [kind, status, errorType]),
      [
        ['intent', undefined, undefined],
        ['outcome', 'unknown', 'server-exited'],
      ],
    );
    assert.match(run.output(), /"id":1.*the effect may have happened/);
  });

  it('says that a call was cancelled when it never was answered', async () => {
    const run = start('process.stdin.resume().on("end", () => process.exit(0))');
    run.input.write(call);
    run.input.end(
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n',
    );
    assert.equal(await run.exitCode, 0);
    assert.equal(run.committed[1]?.errorType, 'cancelled');
  });

  it('forwards signals, and tells the death of the server by one', async () => {
    const run = start('process.stdout.write("\\n"); process.stdin.resume()');
    while (run.output() === '') await new Promise((resolve) => setImmediate(resolve));
    run.signals.emit('SIGTERM', 'SIGTERM');
    assert.equal(await run.exitCode, 128 + 15);
  });

  it('ends a server whose lines have no end', async () => {
    const run = start(
      `process.stdout.on('error', () => process.exit());
       const part = 'x'.repeat(1 << 20);
       const write = () => {
         while (process.stdout.write(part));
         process.stdout.once('drain', write);
       };
       write();`,
    );
    assert.equal(await run.exitCode, 70);
    assert.match(run.said.join(), new RegExp(`longer than ${LINE_SIZE_BYTES_MAX} bytes`));
  });

  it('tells a command that does not exist from one that cannot be run', async () => {
    assert.equal(await start('', '/nowhere/server').exitCode, 127);
    assert.equal(await start('', '/').exitCode, 126);
  });
});
