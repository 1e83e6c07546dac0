import assert from 'node:assert/strict';
import { Readable } from 'node:stream';

import fc from 'fast-check';
import { describe, it } from 'mocha';

import { linesOf, LineTooLongError } from '../../../bridges/mcp/line-reader.ts';

async function read(chunks: readonly Uint8Array[], sizeBytesMax?: number): Promise<string[]> {
  const lines: string[] = [];
  const source = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const line of linesOf(source, sizeBytesMax)) lines.push(line.toString('latin1'));
  return lines;
}

describe('line-reader', () => {
  it('gives the same bytes back, cut after each newline', async () => {
    const byte = fc.constantFrom(0x0a, 0x0d, 0x61, 0xff);
    const chunk = fc
      .array(byte, { minLength: 1, maxLength: 6 })
      .map((bytes) => Uint8Array.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 10 }), async (chunks) => {
        const whole = Buffer.concat(chunks).toString('latin1');
        const lines = await read(chunks);
        assert.equal(lines.join(''), whole);
        for (const line of lines.slice(0, -1)) assert.equal(line.indexOf('\n'), line.length - 1);
      }),
    );
  });

  it('ends at a line over the limit, with and without its newline', async () => {
    assert.deepEqual(await read([Buffer.from('1234567\n'), Buffer.from('1\n')], 8), [
      '1234567\n',
      '1\n',
    ]);
    await assert.rejects(read([Buffer.from('12345678\n')], 8), LineTooLongError);
    await assert.rejects(read([Buffer.from('1234'), Buffer.from('56789')], 8), LineTooLongError);
  });
});
