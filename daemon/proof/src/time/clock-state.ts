/**
 * What the daemon's own reading of the clocks says besides the time (SPEC.md §9.4): bytes of a
 * `clock-bracket` frame.
 */
import { ProofError } from '../proof-error.ts';
import type { ShapeType } from '../schema.ts';
import {
  constant,
  decodeWith,
  encodeWith,
  INDEX_MAX,
  nanoseconds,
  nullable,
  Place,
  record,
  uint,
} from '../schema.ts';
import type { RawTimeEvidence, TimeFrame } from './raw-time-evidence.ts';

/** Less than this is the scatter of two readings: a suspend takes longer. */
export const SUSPEND_MIN_NS = 1_000_000n;

const shape = {
  version: constant(1),
  /** How long the machine was suspended since it booted, as CLOCK_BOOTTIME counts it. */
  suspendedNs: nanoseconds,
  /** What adjtimex said of CLOCK_REALTIME; null where the kernel did not tell. */
  kernel: nullable(
    record({
      state: uint(0, INDEX_MAX),
      status: uint(0, INDEX_MAX),
      /** In ns where STA_NANO is set, else in microseconds. */
      offset: uint(-INDEX_MAX, INDEX_MAX),
      /** Parts of a million, times 2^16. */
      frequency: uint(-INDEX_MAX, INDEX_MAX),
      maxErrorUs: uint(0, INDEX_MAX),
      estimatedErrorUs: uint(0, INDEX_MAX),
      /** 0 where nobody told the kernel. */
      taiMinusUtcSeconds: uint(-INDEX_MAX, INDEX_MAX),
    }),
  ),
};
const codec = record(shape);
const place = new Place('time-malformed', 'clock state');

export type ClockState = Omit<ShapeType<typeof shape>, 'version'>;

/** @throws ProofError `time-malformed` */
export function encodeClockState(state: ClockState): Uint8Array {
  return encodeWith(codec, { version: 1, ...state }, place);
}

/** @throws ProofError `time-malformed`, `cbor-malformed` */
export function decodeClockState(encoded: Uint8Array): ClockState {
  const { version: _, ...state } = decodeWith(codec, encoded, place);
  return state;
}

/** Null of a frame that says nothing of it; `malformed` where it cannot be read. */
export function clockStateOf({ kind, bytes }: TimeFrame): ClockState | 'malformed' | null {
  if (kind !== 'clock-bracket' || bytes.length === 0) return null;
  try {
    return decodeClockState(bytes);
  } catch (error) {
    if (error instanceof ProofError) return 'malformed';
    throw error;
  }
}

/** How long the machine had been suspended when the evidence was taken; null where it tells not. */
export function suspendedNsOf({ frames }: RawTimeEvidence): bigint | null {
  const state = frames.map(clockStateOf).findLast((each) => each !== null);
  return state === undefined || state === null || state === 'malformed' ? null : state.suspendedNs;
}

/** Whether a line over CLOCK_MONOTONIC_RAW that was drawn in the one holds in the other. */
export function isContinuous(earlier: RawTimeEvidence, later: RawTimeEvidence): boolean {
  const [before, after] = [suspendedNsOf(earlier), suspendedNsOf(later)];
  return before === null || after === null || after - before <= SUSPEND_MIN_NS;
}
