import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { decodeCbor, encodeCbor, LEAP_TABLE, taiOfUtc } from '@kudurru/proof';

import { isKudurruError } from '../../src/base/errors.ts';
import { taiNs } from '../../src/base/units.ts';
import { Clock, type ClockReading } from '../../src/time/clock.ts';

const second = 1_000_000_000n;
const noon = 1_790_000_000n * second;

describe('clock', () => {
  it('gives TAI, which is ahead of the system clock by the leap list', () => {
    const { clock } = clockAt(noon);
    assert.equal(clock.now().taiNs, noon + 37n * second);
    assert.equal(clock.taiMinusUtcSeconds(), 37);
  });

  it('stands still while the system clock is behind, and then goes on', () => {
    const { clock, at } = clockAt(noon);
    const first = clock.now().taiNs;
    at.realtimeNs -= 5n * second;
    assert.equal(clock.now().taiNs, first);
    at.realtimeNs += 6n * second;
    assert.equal(clock.now().taiNs, first + second);
  });

  it('reports a step back once', () => {
    const { clock, at } = clockAt(noon);
    clock.now();
    at.realtimeNs -= 5n * second;
    at.monotonicRawNs += second;
    clock.now();
    clock.now();
    assert.equal(clock.takeStepBack(), 6n * second);
    assert.equal(clock.takeStepBack(), null);
  });

  it('takes no slewing for a step', () => {
    const { clock, at } = clockAt(noon);
    clock.now();
    at.monotonicRawNs += 100n * second;
    at.realtimeNs += 100n * second - 50_000_000n;
    clock.now();
    assert.equal(clock.takeStepBack(), null);
  });

  it('refuses to go on from an entry of the future', () => {
    const { clock } = clockAt(noon);
    const last = taiNs(taiOfUtc(noon) + 11n * second);
    assert.throws(
      () => clock.continueFrom(last, 10_000),
      (error) => isKudurruError(error, 'clock-behind') && /11\.000 s behind/u.test(error.message),
    );
    clock.continueFrom(last, 11_000);
    assert.equal(clock.now().taiNs, last);
  });

  it('encodes what the kernel said', () => {
    const { clock } = clockAt(noon);
    const evidence = clock.evidence();
    assert.deepEqual(encodeCbor(decodeCbor(evidence)), evidence);
    assert.deepEqual(decodeCbor(evidence), [
      1,
      'system-clock',
      noon,
      7,
      noon + 100n,
      37,
      LEAP_TABLE.expiresUnixSeconds,
      [0, 8193, 500, 20],
    ]);
  });

  it('says when the leap list has expired', () => {
    const { clock, at } = clockAt(noon);
    assert.equal(clock.leapList().expired, false);
    at.realtimeNs = BigInt(LEAP_TABLE.expiresUnixSeconds) * second;
    assert.equal(clock.leapList().expired, true);
  });
});

function clockAt(realtimeNs: bigint): {
  clock: Clock;
  at: { realtimeNs: bigint; monotonicRawNs: bigint };
} {
  const at = { realtimeNs, monotonicRawNs: 7n };
  const read = (): ClockReading => ({
    realtimeBeforeNs: at.realtimeNs,
    monotonicRawNs: at.monotonicRawNs,
    realtimeAfterNs: at.realtimeNs + 100n,
    kernelState: { state: 0, status: 8193, maxErrorUs: 500, estimatedErrorUs: 20 },
  });
  return { clock: new Clock({ read }), at };
}
