// The kernel's clocks, read together.
import { nativePart } from './load.ts';

export interface ClockReading {
  /** CLOCK_REALTIME in nanoseconds since 1970 UTC, before and after the raw clock was read. */
  readonly realtimeBeforeNs: bigint;
  readonly realtimeAfterNs: bigint;
  /** CLOCK_MONOTONIC_RAW in nanoseconds; starts anew with each boot of the kernel. */
  readonly monotonicRawNs: bigint;
  /** What adjtimex(2) says of CLOCK_REALTIME; null where the kernel does not tell. */
  readonly kernelState: {
    readonly state: number;
    readonly status: number;
    readonly maxErrorUs: number;
    readonly estimatedErrorUs: number;
  } | null;
}

interface ClockPart {
  readClock(): ClockReading;
}

const native = nativePart<ClockPart>();

export function readClock(): ClockReading {
  return native.readClock();
}
