/**
 * Discontinuities of the kernel's clocks since they were last looked at. The kernel tells at once
 * when somebody sets CLOCK_REALTIME; the rest is found by comparing what every clock did with what
 * CLOCK_MONOTONIC_RAW did, by which entries are timed.
 */
import { clockSteps, type ClockSnapshot, type ClockStep, type KernelClock } from '@kudurru/native';

import type { Discontinuity } from '../time/timekeeper.ts';

export interface WatchedClocks {
  readonly clocks: ClockSnapshot;
  /** Null where the kernel does not tell. */
  readonly kernel: KernelClock | null;
}

export interface ClockWatchOptions {
  readonly read: () => WatchedClocks;
  /** Calls its listener whenever CLOCK_REALTIME is set; gives what ends that. */
  readonly watch: (listener: () => void) => () => void;
  /** The kernel told of a set: it is time to look. */
  readonly onSet: () => void;
}

/** The kernel turns its clock by so much for a frequency, and as much for an offset. */
const slewPpm = 1000n;
/** adjtimex(2): microseconds of a tick at 100 Hz; one more makes the clock 100 ppm faster. */
const nominalTickUs = 10_000;
const ppmPerTickUs = 100n;

export class ClockWatch {
  readonly #read: () => WatchedClocks;
  readonly #unwatch: () => void;
  #last: WatchedClocks;
  #isSet = false;

  constructor({ read, watch, onSet }: ClockWatchOptions) {
    this.#read = read;
    this.#last = read();
    this.#unwatch = watch(() => {
      this.#isSet = true;
      onSet();
    });
  }

  /** What happened since the last look; of several the one that the most depends on. */
  look(): Discontinuity | null {
    const [before, now] = [this.#last, this.#read()];
    this.#last = now;
    const wasSet = this.#isSet;
    this.#isSet = false;
    const steps = clockSteps(before.clocks, now.clocks, slewOf(before) + slewOf(now));
    const by = (clock: ClockStep['clock']): bigint | undefined =>
      steps.find((step) => step.clock === clock)?.byNs;
    const [suspended, raw, realtime, tai] = [
      by('suspend'),
      by('monotonic'),
      by('realtime'),
      by('tai'),
    ];
    if (suspended !== undefined) {
      return { cause: 'suspended', message: `the machine was suspended for ${suspended} ns` };
    }
    if (raw !== undefined) {
      const message = `CLOCK_MONOTONIC went ${raw} ns further than CLOCK_MONOTONIC_RAW`;
      return { cause: 'raw-clock', message };
    }
    if (realtime !== undefined) {
      return { cause: 'clock-set', message: `the system clock was set by ${realtime} ns` };
    }
    if (wasSet) {
      return { cause: 'clock-set', message: 'the system clock was set, by less than it scatters' };
    }
    if (tai === undefined) return null;
    return { cause: 'tai-offset', message: `CLOCK_TAI alone was moved by ${tai} ns` };
  }

  stop(): void {
    this.#unwatch();
  }
}

/** By how much the kernel may have turned its clock; half of what the two looks allow. */
function slewOf({ kernel }: WatchedClocks): bigint {
  const tickUs = kernel === null ? nominalTickUs : kernel.tickUs;
  return slewPpm / 2n + BigInt(Math.abs(tickUs - nominalTickUs)) * ppmPerTickUs;
}
