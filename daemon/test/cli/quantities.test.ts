import assert from 'node:assert/strict';

import fc from 'fast-check';
import { describe, it } from 'mocha';

import { nanoseconds, windows } from '../../cli/quantities.ts';

const UNITS: Readonly<Record<string, number>> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };

describe('nanoseconds in words', () => {
  const shown: readonly (readonly [bigint, string])[] = [
    [0n, '0 ns'],
    [-7n, '-7 ns'],
    [999n, '999 ns'],
    [1000n, '1.00 µs'],
    [1001n, '1.01 µs'],
    [12_345n, '12.4 µs'],
    [-12_345n, '-12.4 µs'],
    [999_999n, '1000 µs'],
    [50_000_000n, '50.0 ms'],
    [90_000_000_000n, '90.0 s'],
  ];
  for (const [ns, text] of shown)
    it(`${ns} ns as ${text}`, () => assert.equal(nanoseconds(ns), text));

  it('are never shown less than they are, nor by more than a hundredth', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 53n }), (ns) => {
        const [number = '', unit = ''] = nanoseconds(ns).split(' ');
        const value = Number(number) * (UNITS[unit] ?? NaN);
        assert.ok(value >= Number(ns) * (1 - 1e-12), `${number} ${unit}`);
        assert.ok(value <= Number(ns) * 1.01 + 1e-9, `${number} ${unit}`);
      }),
    );
  });
});

describe('windows in words', () => {
  it('name each, and say where there is none', () => {
    const known = windows({ statisticalNs: '1200', adversarialNs: '340000' });
    assert.equal(known, '±1.20 µs statistical, ±340 µs adversarial');
    assert.equal(
      windows({ statisticalNs: '5', adversarialNs: null }),
      '±5 ns statistical, not known adversarial',
    );
    assert.equal(windows({ statisticalNs: null, adversarialNs: null }), 'nothing bounds the error');
  });
});
