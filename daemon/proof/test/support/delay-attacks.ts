/** What an attacker on the network can do to delays and to nothing else, for fast-check to draw. */
import fc from 'fast-check';

import type { World } from './time-world.ts';

/** One change of the delay of one direction. */
export interface DelayChange {
  readonly direction: 0 | 1;
  /** Seconds; from -1 on it was there at the start. */
  readonly from: number;
  readonly until: number;
  /** `step` adds all of it, `ramp` more and more, `swing` back and forth. */
  readonly shape: 'step' | 'ramp' | 'swing';
  readonly sizeNs: number;
  /** Seconds that a ramp takes to its size, or a swing to and fro. */
  readonly period: number;
}

export const delayChange: fc.Arbitrary<DelayChange> = fc.record({
  direction: fc.constantFrom(0, 1),
  from: fc.integer({ min: -1, max: 80 }),
  until: fc.integer({ min: 20, max: 200 }),
  shape: fc.constantFrom('step', 'ramp', 'swing'),
  sizeNs: fc.integer({ min: 1_000, max: 3_000_000 }),
  period: fc.integer({ min: 1, max: 120 }),
});

/** The delays that `changes` add, by time in seconds. */
export function attackOf(changes: readonly DelayChange[]): World['attack'] {
  return (seconds) => {
    const added: [number, number] = [0, 0];
    for (const change of changes) {
      if (seconds >= change.from && seconds < change.until) {
        added[change.direction] += addedBy(change, seconds - change.from);
      }
    }
    return added;
  };
}

function addedBy({ shape, sizeNs, period }: DelayChange, elapsed: number): number {
  if (shape === 'step') return sizeNs;
  if (shape === 'ramp') return sizeNs * Math.min(1, elapsed / period);
  return (sizeNs * (1 + Math.sin((elapsed * 2 * Math.PI) / period))) / 2;
}
