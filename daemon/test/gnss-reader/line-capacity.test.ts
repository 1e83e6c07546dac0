import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { LineCapacity } from '../../gnss-reader/line-capacity.ts';

const second = 1_000_000_000n;

describe('line capacity', () => {
  it('lets pass a full line, and a burst of a second', () => {
    const capacity = new LineCapacity(115_200, 0n);
    assert.ok(capacity.take(11_520, 0n));
    assert.ok(!capacity.take(1, 0n));
    for (let i = 1n; i <= 100n; i += 1n) assert.ok(capacity.take(115, (i * second) / 100n));
    assert.ok(!capacity.take(200, second));
  });

  it('lets pass what had its time to come while nobody read', () => {
    const capacity = new LineCapacity(9600, 0n);
    assert.ok(capacity.take(4200 + 10 * 960, 10n * second));
    assert.ok(!capacity.take(1, 10n * second));
    // Time that was not made use of is not kept beyond a burst.
    assert.ok(capacity.take(0, 3600n * second));
    assert.ok(!capacity.take(4201, 3600n * second));
  });

  it('never lets pass more than speed and burst allow', () => {
    const steps = fc.array(fc.tuple(fc.nat(20_000), fc.nat(1_000_000_000)), { maxLength: 50 });
    fc.assert(
      fc.property(steps, (told) => {
        const capacity = new LineCapacity(38_400, 0n);
        let [nowNs, passed] = [0n, 0n];
        for (const [sizeBytes, stepNs] of told) {
          nowNs += BigInt(stepNs);
          if (capacity.take(sizeBytes, nowNs)) passed += BigInt(sizeBytes);
          assert.ok(passed <= 4200n + (3840n * nowNs) / second);
        }
      }),
    );
  });
});
