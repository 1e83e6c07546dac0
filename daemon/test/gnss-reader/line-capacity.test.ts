import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { LineCapacity } from '../../gnss-reader/line-capacity.ts';

const second = 1_000_000_000n;

function take(
  capacity: LineCapacity,
  sizeBytes: number,
  [sinceRawNs, untilRawNs]: readonly [bigint, bigint],
): boolean {
  return capacity.take({ bytes: new Uint8Array(sizeBytes), sinceRawNs, untilRawNs });
}

describe('line capacity', () => {
  it('lets pass a full line, and a burst of a second', () => {
    const capacity = new LineCapacity(115_200, 0n);
    assert.ok(take(capacity, 11_520, [0n, 0n]));
    assert.ok(!take(capacity, 1, [0n, 0n]));
    const step = second / 100n;
    for (let i = 1n; i <= 100n; i += 1n) {
      // A look begins before the last one has ended.
      assert.ok(take(capacity, 115, [larger(0n, (i - 1n) * step - 1000n), i * step]));
    }
    assert.ok(!take(capacity, 200, [second, second]));
  });

  it('lets pass what had its time to come while nobody read', () => {
    const capacity = new LineCapacity(9600, 0n);
    assert.ok(take(capacity, 4200 + 10 * 960, [0n, 10n * second]));
    assert.ok(!take(capacity, 1, [10n * second, 10n * second]));
  });

  it('earns no more than a burst by a rest', () => {
    for (const [sizeBytes, passes] of [
      [4200, true],
      [4201, false],
    ] as const) {
      const capacity = new LineCapacity(9600, 0n);
      assert.equal(take(capacity, sizeBytes, [3600n * second, 3600n * second]), passes);
    }
  });

  it('never lets pass more than speed and burst allow', () => {
    const steps = fc.array(fc.tuple(fc.nat(20_000), fc.nat(1_000_000_000), fc.boolean()));
    fc.assert(
      fc.property(steps, (told) => {
        const capacity = new LineCapacity(38_400, 0n);
        let [nowNs, passed] = [0n, 0n];
        for (const [sizeBytes, stepNs, isRest] of told) {
          const since = isRest ? nowNs + BigInt(stepNs) : nowNs;
          nowNs += BigInt(stepNs);
          if (take(capacity, sizeBytes, [since, nowNs])) passed += BigInt(sizeBytes);
          assert.ok(passed <= 4200n + (3840n * nowNs) / second);
        }
      }),
    );
  });
});

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
