import assert from 'node:assert/strict';

import { formatTilePath } from '@kudurru/proof';
import * as fc from 'fast-check';
import { describe, it } from 'mocha';

import { KudurruError } from '../../src/base/errors.ts';
import { parseLogPath } from '../../src/log-door/log-path.ts';

/** Words that paths of files and attacks on them are made of. */
const pieces = [
  ...['/', '//', '.', '..', 'tile', 'entries', 'checkpoint', '0', '1', '63', '64', '000', 'x001'],
  ...['.p', '.p/', '255', '256', '%2e%2e', '%2f', '\\', '?', '#', '\0', ' ', 'é', '…', 'journal'],
];
const codes = new Set(['request-malformed', 'request-too-long', 'path-unknown']);

describe('log path', () => {
  it('reads every path that a log of 2^53 entries has', () => {
    const levels = fc.oneof(fc.constant('entries' as const), fc.nat(63));
    const indexes = fc.bigInt(0n, 2n ** 53n - 1n);
    const widths = fc.integer({ min: 1, max: 256 });
    fc.assert(
      fc.property(levels, indexes, widths, (level, index, width) => {
        const name = { level, index, width };
        assert.deepEqual(parseLogPath(`/${formatTilePath(name)}`), name);
      }),
    );
    assert.equal(parseLogPath('/checkpoint'), 'checkpoint');
  });

  it('refuses all else with a code, and leads nowhere but to the path as it was written', () => {
    const glued = fc.array(fc.constantFrom(...pieces), { maxLength: 12 });
    const target = fc.oneof(
      fc.string({ unit: 'binary' }),
      glued.map((each) => each.join('')),
    );
    fc.assert(
      fc.property(target, (text) => {
        try {
          const found = parseLogPath(`/${text}`);
          assert.equal(found === 'checkpoint' ? found : formatTilePath(found), text);
        } catch (error) {
          assert.ok(error instanceof KudurruError && codes.has(error.code), String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  const refusals: readonly (readonly [string, string])[] = [
    ['/../journal', 'request-malformed'],
    ['/tile/../../journal/00000000.journal', 'request-malformed'],
    ['/tile/0/%2e%2e/000', 'request-malformed'],
    ['//checkpoint', 'request-malformed'],
    ['/checkpoint?x=1', 'request-malformed'],
    ['http://elsewhere/checkpoint', 'request-malformed'],
    ['*', 'request-malformed'],
    ['', 'request-malformed'],
    ['/', 'path-unknown'],
    ['/checkpoint/', 'path-unknown'],
    ['/tile/00/000', 'path-unknown'],
    ['/tile/0/x000/001', 'path-unknown'],
    ['/tile/0/000.p/256', 'path-unknown'],
    ['/tile/0/000.p/0', 'path-unknown'],
    ['/tile/64/000', 'path-unknown'],
    ['/devices/token-pin', 'path-unknown'],
    [`/tile/0/${'x001/'.repeat(8)}000`, 'path-unknown'],
    [`/${'a'.repeat(200)}`, 'request-too-long'],
  ];
  for (const [target, code] of refusals) {
    it(`refuses ${JSON.stringify(target.slice(0, 40))}: ${code}`, () => {
      assert.throws(() => parseLogPath(target), { code });
    });
  }
});
