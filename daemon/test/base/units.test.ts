import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { leafIndex, taiNs, toSafeNumber, treeSize } from '../../src/base/units.ts';

const int64Max = 2n ** 63n - 1n;
const outOfRange = { code: 'value-out-of-range' };

describe('units', () => {
  for (const [name, make] of Object.entries({ leafIndex, taiNs, treeSize })) {
    it(`${name} takes exactly 0 .. 2^63 - 1`, () => {
      fc.assert(fc.property(fc.bigInt(0n, int64Max), (value) => make(value) === value));
      fc.assert(fc.property(fc.bigInt({ max: -1n }), (value) => refuses(() => make(value))));
      assert.equal(make(int64Max), int64Max);
      assert.throws(() => make(int64Max + 1n), outOfRange);
    });
  }

  it('toSafeNumber is exact or refuses', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => toSafeNumber(BigInt(value)) === value));
    assert.throws(() => toSafeNumber(2n ** 53n), outOfRange);
    assert.throws(() => toSafeNumber(-(2n ** 53n)), outOfRange);
  });
});

function refuses(make: () => bigint): boolean {
  assert.throws(make, outOfRange);
  return true;
}
