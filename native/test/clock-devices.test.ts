import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'mocha';

import {
  CLOCK_ATTEMPTS_MAX,
  type ClockBracket,
  type ClockSnapshot,
  type KernelClockName,
  NativeError,
  PHC_SAMPLES_MAX,
  clockSteps,
  readBracket,
  readClocks,
  readKernelClock,
  readPhc,
  readPulse,
  readRawNs,
  watchClockSet,
} from '@kudurru/native';

describe('clock devices', () => {
  it('holds every clock between two reads of the raw one', () => {
    const beforeNs = readRawNs();
    const clocks = Object.values(readClocks());
    const afterNs = readRawNs();
    assert.equal(clocks.length, 4);
    for (const { rawBeforeNs, valueNs, rawAfterNs } of clocks) {
      assert.ok(beforeNs <= rawBeforeNs && rawBeforeNs <= rawAfterNs && rawAfterNs <= afterNs);
      assert.ok(valueNs > 0n);
    }
  });

  it('knows which clock is which', () => {
    const beforeMs = BigInt(Date.now());
    const realtime = readBracket('realtime').valueNs / 1_000_000n;
    assert.ok(beforeMs <= realtime);
    const { taiMinusUtcSeconds = 0 } = readKernelClock() ?? {};
    const tai = readBracket('tai').valueNs / 1_000_000n;
    assert.ok(tai >= realtime + BigInt(taiMinusUtcSeconds) * 1000n);
    const monotonic = readBracket('monotonic').valueNs;
    assert.ok(monotonic <= readBracket('boottime').valueNs);
  });

  it('checks its arguments', () => {
    assert.throws(() => readBracket('sundial' as KernelClockName), TypeError);
    for (const attempts of [0, CLOCK_ATTEMPTS_MAX + 1, 1.5]) {
      assert.throws(() => readBracket('tai', attempts), /attempts/);
    }
    assert.throws(() => readPhc('/dev/ptp0', PHC_SAMPLES_MAX + 1), RangeError);
    assert.throws(() => readPhc('/dev/\0'), TypeError);
    assert.throws(() => readPulse(7 as unknown as string), TypeError);
  });

  it('says which error it was', () => {
    const failed = (code: string) => (error: unknown) =>
      error instanceof NativeError && error.code === code;
    assert.throws(() => readPhc('/nonexistent/ptp0'), failed('ENOENT'));
    assert.throws(() => readPhc('/dev/null'), failed('ENOTTY'));
    assert.throws(() => readPulse('/nonexistent/pps0'), failed('ENOENT'));
    assert.throws(() => readPulse('/dev/null'), failed('ENOTTY'));
  });

  // Pending where there is none: the layer below answers for its system calls in clock-devices.cpp.
  if (existsSync('/dev/ptp0')) {
    it('reads a network card’s clock', () => {
      const reading = readPhc('/dev/ptp0');
      assert.ok(reading.systemBeforeNs <= reading.systemAfterNs && reading.phcNs > 0n);
    });
  } else {
    it('reads a network card’s clock: no /dev/ptp0 on this machine');
  }
  if (existsSync('/dev/pps0')) {
    it('reads a pulse', () => {
      assert.ok(readPulse('/dev/pps0').assertSequence >= 0);
    });
  } else {
    it('reads a pulse: no /dev/pps0 on this machine');
  }

  it('watches for the clock being set, and can be told to stop', () => {
    // Nobody sets the host's clock for a test: what a set leads to is in clock-devices.cpp.
    for (let i = 0; i < 3; i++) {
      const stop = watchClockSet(() => undefined);
      stop();
      stop();
    }
    assert.throws(() => watchClockSet(7 as never), TypeError);
  });
});

describe('clock steps', () => {
  const at = (rawNs: bigint, offsetNs: bigint, widthNs = 100n): ClockBracket => ({
    rawBeforeNs: rawNs,
    valueNs: rawNs + widthNs / 2n + offsetNs,
    rawAfterNs: rawNs + widthNs,
  });
  const snapshot = (
    rawNs: bigint,
    offsets: Partial<Record<KernelClockName, bigint>> = {},
  ): ClockSnapshot => ({
    tai: at(rawNs, 37_000_000_000n + (offsets.tai ?? 0n)),
    realtime: at(rawNs + 200n, offsets.realtime ?? 0n),
    boottime: at(rawNs + 400n, 5_000n + (offsets.boottime ?? 0n)),
    monotonic: at(rawNs + 600n, 1_000n + (offsets.monotonic ?? 0n)),
  });
  const second = 1_000_000_000n;
  const between = (offsets: Partial<Record<KernelClockName, bigint>>) =>
    clockSteps(snapshot(0n), snapshot(second, offsets), 500n);

  it('finds none in clocks that go alike, or are slewed', () => {
    assert.deepEqual(between({}), []);
    assert.deepEqual(between({ realtime: 500_000n, tai: 500_000n }), []);
    assert.deepEqual(between({ realtime: -500_000n, tai: -500_000n }), []);
    assert.deepEqual(clockSteps(snapshot(0n), snapshot(0n), 0n), []);
  });

  it('finds a clock that was set, and which way', () => {
    const set = between({ realtime: -2n * second, tai: -2n * second });
    assert.deepEqual(set, [
      { clock: 'tai', byNs: -2n * second },
      { clock: 'realtime', byNs: -2n * second },
    ]);
    // The kernel was told another TAI - UTC: UTC stays.
    assert.deepEqual(between({ tai: second }), [{ clock: 'tai', byNs: second }]);
    assert.deepEqual(between({ realtime: 500_302n }), [{ clock: 'realtime', byNs: 500_302n }]);
  });

  it('tells a suspend from a step', () => {
    const slept = between({ boottime: 60n * second, realtime: 60n * second, tai: 60n * second });
    assert.deepEqual(slept.at(-1), { clock: 'suspend', byNs: 60n * second });
    assert.ok(!slept.some(({ clock }) => clock === 'monotonic'));
  });

  it('calls what a slow bracket hides no step', () => {
    const wide = { ...snapshot(second), realtime: at(second, 30_000_000n, 100_000_000n) };
    assert.deepEqual(clockSteps(snapshot(0n), wide, 500n), []);
  });
});
