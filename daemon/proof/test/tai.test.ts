import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { formatTai, LEAP_TABLE, taiMinusUtcSeconds, taiOfUtc, utcOfTai } from '../src/tai.ts';

const SECOND = 1_000_000_000n;
const utc = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;

describe('tai', () => {
  it('has the published offsets', () => {
    for (const [date, seconds] of [
      ['1972-01-01T00:00:00Z', 10],
      ['1979-12-31T23:59:59Z', 18],
      ['1980-01-01T00:00:00Z', 19],
      ['1999-01-01T00:00:00Z', 32],
      ['2005-12-31T23:59:59Z', 32],
      ['2006-01-01T00:00:00Z', 33],
      ['2016-12-31T23:59:59Z', 36],
      ['2017-01-01T00:00:00Z', 37],
      ['2026-11-22T08:30:00Z', 37],
    ] as const) {
      assert.equal(taiMinusUtcSeconds(utc(date)), seconds, date);
    }
    assert.equal(LEAP_TABLE.steps.length, 28);
    assert.equal(LEAP_TABLE.expiresUnixSeconds, Date.parse('2027-06-28T00:00:00Z') / 1000);
  });

  it('converts there and back, and marks the leap second itself', () => {
    const before = utc('2016-12-31T23:59:59Z');
    const after = utc('2017-01-01T00:00:00Z');
    assert.equal(taiOfUtc(after) - taiOfUtc(before), 2n * SECOND);
    const leap = taiOfUtc(before) + SECOND;
    assert.deepEqual(utcOfTai(leap), { utcNs: after, isLeapSecond: true });
    assert.deepEqual(utcOfTai(leap + SECOND), { utcNs: after, isLeapSecond: false });
    assert.deepEqual(utcOfTai(leap - 1n), { utcNs: after - 1n, isLeapSecond: false });
    for (const { fromUnixSeconds } of LEAP_TABLE.steps) {
      const utcNs = BigInt(fromUnixSeconds) * SECOND;
      assert.deepEqual(utcOfTai(taiOfUtc(utcNs)), { utcNs, isLeapSecond: false });
    }
  });

  it('writes UTC with nanoseconds, and 23:59:60 where it was', () => {
    const leap = taiOfUtc(utc('2016-12-31T23:59:59Z')) + SECOND + 5n;
    assert.equal(formatTai(leap), '2016-12-31T23:59:60.000000005Z');
    assert.equal(formatTai(leap + SECOND), '2017-01-01T00:00:00.000000005Z');
    assert.equal(
      formatTai(taiOfUtc(utc('2026-11-22T08:30:00.25Z'))),
      '2026-11-22T08:30:00.250000000Z',
    );
  });

  it('refuses instants outside its table and every calendar', () => {
    assert.throws(() => taiOfUtc(utc('1971-12-31T23:59:59Z')), { code: 'time-malformed' });
    assert.throws(() => utcOfTai(0n), { code: 'time-malformed' });
    assert.throws(() => formatTai(2n ** 80n), { code: 'time-malformed' });
  });
});
