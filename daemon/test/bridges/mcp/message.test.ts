import assert from 'node:assert/strict';

import fc from 'fast-check';
import { describe, it } from 'mocha';

import { MalformedLineError, parseLine } from '../../../bridges/mcp/message.ts';

const parse = (text: string): ReturnType<typeof parseLine> => parseLine(Buffer.from(text));

describe('message', () => {
  it('tells requests, notifications and answers apart', () => {
    const line = parse(
      '[{"jsonrpc":"2.0","id":1,"method":"ping"},' +
        '{"jsonrpc":"2.0","method":"notifications/initialized"},' +
        '{"jsonrpc":"2.0","id":"x","result":{}},{"jsonrpc":"2.0","id":null,"error":{"code":1}}]\n',
    );
    assert.equal(line?.isBatch, true);
    assert.deepEqual(
      line.messages.map(({ kind }) => kind),
      ['request', 'notification', 'response', 'notification'],
    );
    assert.equal(parse('\r\n'), null);
  });

  it('refuses what two programs could read differently', () => {
    const lines = [
      '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
      '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
      '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}',
      '{"jsonrpc":"2.0","id":1,"method":"tools\\u0000call"}',
      '{"jsonrpc":"2.0","method":"tools/call"}',
      '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
      '{"jsonrpc":"2.0","id":1}',
      '{"jsonrpc":"1.0","id":1,"method":"ping"}',
      '[]',
      '[1]',
      '7',
      '{"jsonrpc":"2.0"',
    ];
    for (const line of lines) assert.throws(() => parse(line), MalformedLineError, line);
    assert.throws(() => parseLine(Buffer.from([0x22, 0xff, 0x22])), MalformedLineError);
  });

  it('reads or refuses every line, and throws nothing else', () => {
    const message = fc.record(
      {
        jsonrpc: fc.constantFrom<unknown>('2.0', '1.0', 2),
        id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
        method: fc.oneof(fc.constantFrom('ping', 'notifications/x'), fc.jsonValue()),
        params: fc.jsonValue(),
        result: fc.jsonValue(),
        error: fc.jsonValue(),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    const line = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.oneof(message, fc.array(message), fc.jsonValue()).map((value) => {
        return Buffer.from(JSON.stringify(value));
      }),
    );
    fc.assert(
      fc.property(line, (bytes) => {
        try {
          const parsed = parseLine(bytes);
          if (parsed !== null) assert.ok(parsed.messages.length > 0);
        } catch (error) {
          assert.ok(error instanceof MalformedLineError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
