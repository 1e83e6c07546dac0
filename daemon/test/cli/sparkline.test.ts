import assert from 'node:assert/strict';

import fc from 'fast-check';
import { describe, it } from 'mocha';

import { sparkline } from '../../cli/sparkline.ts';

describe('sparkline', () => {
  it('goes from the least value to the largest', () => {
    assert.equal(sparkline([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n], 8), '▁▂▃▄▅▆▇█');
    assert.equal(sparkline([-70n, 70n, 0n], 8), '▁█▄');
  });

  it('shows the newest values, and nothing of none', () => {
    assert.equal(sparkline([900n, 1n, 2n], 2), '▁█');
    assert.equal(sparkline([], 8), '');
  });

  it('is level where all are the same', () => assert.equal(sparkline([5n, 5n, 5n], 8), '▄▄▄'));

  it('has a bar for each value that fits', () => {
    const values = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), { maxLength: 60 });
    fc.assert(
      fc.property(values, (each) => {
        const bars = sparkline(each, 40);
        assert.match(bars, /^[▁-█]*$/u);
        assert.equal(bars.length, Math.min(each.length, 40));
      }),
    );
  });
});
