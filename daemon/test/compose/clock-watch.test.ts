import assert from 'node:assert/strict';

import type { ClockBracket, ClockSnapshot, KernelClock } from '@kudurru/native';
import { describe, it } from 'mocha';

import { ClockWatch, type WatchedClocks } from '../../src/compose/clock-watch.ts';

const secondNs = 1_000_000_000n;
const kernel: KernelClock = {
  ...{ state: 0, status: 0, offset: 0, frequency: 0, maxErrorUs: 0, estimatedErrorUs: 0 },
  ...{ tickUs: 10_000, taiMinusUtcSeconds: 37 },
};

/** Every clock is ahead of its place by so much, `rawNs` after the boot. */
function clocksAt(
  rawNs: bigint,
  ahead: Partial<Record<keyof ClockSnapshot, bigint>> = {},
): ClockSnapshot {
  const at = (aheadNs = 0n): ClockBracket => ({
    rawBeforeNs: rawNs,
    valueNs: rawNs + 50n + aheadNs,
    rawAfterNs: rawNs + 100n,
  });
  const { tai, realtime, boottime, monotonic } = ahead;
  return { tai: at(tai), realtime: at(realtime), boottime: at(boottime), monotonic: at(monotonic) };
}

class Watched {
  now: WatchedClocks = { clocks: clocksAt(0n), kernel };
  told = 0;
  #tell: () => void = () => assert.fail('it is not watched');
  readonly watch = new ClockWatch({
    read: () => this.now,
    watch: (listener) => {
      this.#tell = listener;
      return () => (this.#tell = () => assert.fail('it is watched no longer'));
    },
    onSet: () => (this.told += 1),
  });

  causeAfter(ahead: Partial<Record<keyof ClockSnapshot, bigint>>, changed: object = {}): unknown {
    this.now = { clocks: clocksAt(secondNs, ahead), kernel: { ...kernel, ...changed } };
    return this.watch.look()?.cause ?? null;
  }

  set(): void {
    this.#tell();
  }
}

describe('ClockWatch', () => {
  it('finds nothing in clocks that go on, turned by what the kernel may', () => {
    assert.equal(new Watched().causeAfter({}), null);
    const turned = 900_000n;
    const all = { realtime: turned, tai: turned, monotonic: turned, boottime: turned };
    assert.equal(new Watched().causeAfter(all), null);
    const fast = 30_000_000n;
    const hastened = { realtime: fast, tai: fast, monotonic: fast, boottime: fast };
    assert.equal(new Watched().causeAfter(hastened), 'raw-clock');
    assert.equal(new Watched().causeAfter(hastened, { tickUs: 10_300 }), null);
  });

  it('names what happened', () => {
    const cases = {
      'clock-set': { realtime: -secondNs, tai: -secondNs },
      'tai-offset': { tai: 37n * secondNs },
      suspended: { boottime: 9n * secondNs, realtime: 9n * secondNs, tai: 9n * secondNs },
      'raw-clock': { monotonic: secondNs, boottime: secondNs, realtime: secondNs, tai: secondNs },
    };
    for (const [cause, ahead] of Object.entries(cases)) {
      assert.equal(new Watched().causeAfter(ahead), cause);
    }
  });

  it('compares with the look before, and tells each thing once', () => {
    const watched = new Watched();
    assert.equal(watched.causeAfter({ realtime: secondNs, tai: secondNs }), 'clock-set');
    assert.equal(watched.watch.look(), null);
  });

  it('hears of a set that is smaller than what it can see', () => {
    const watched = new Watched();
    watched.set();
    assert.equal(watched.told, 1);
    assert.equal(watched.causeAfter({}), 'clock-set');
    assert.equal(watched.watch.look(), null);
    watched.watch.stop();
    assert.throws(() => watched.set(), /no longer/);
  });
});
