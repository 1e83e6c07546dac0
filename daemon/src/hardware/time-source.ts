/**
 * A process that reads one source of time and hands on, unread, what it hears: frames as they came,
 * each between two readings of CLOCK_MONOTONIC_RAW. It ends with the daemon.
 */
import type { TimeRecord } from '@kudurru/proof';

export interface TimeSourceRun {
  /** Why it ended; it never rejects. */
  readonly ended: Promise<string>;
  stop(): void;
}

export interface TimeSource {
  /** Begins anew with each call; what it hears comes in its order. */
  start(hear: (record: TimeRecord) => void): TimeSourceRun;
}
