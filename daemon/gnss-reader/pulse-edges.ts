/**
 * Edges of a receiver's pulse. The kernel stamps an edge by CLOCK_REALTIME; here it gets its place
 * on CLOCK_MONOTONIC_RAW. A step of CLOCK_REALTIME between two looks makes the edge less exact, not
 * wrong: it came between the looks.
 */
import { readPulse, readRawNs, type PulseReading } from '@kudurru/native';

/** The edge came after the first and before the second, by CLOCK_MONOTONIC_RAW. */
export interface PulseEdge {
  readonly rawBeforeNs: bigint;
  readonly rawAfterNs: bigint;
  /** The kernel's stamp, by CLOCK_REALTIME. */
  readonly realtimeNs: bigint;
}

/** A reading, and when it was begun. */
export interface PulseLook {
  readonly begunRawNs: bigint;
  readonly reading: Pick<PulseReading, 'assertSequence' | 'assertRealtimeNs' | 'realtime'>;
}

/** Twice what the kernel steers CLOCK_REALTIME by at most (500 in a million). */
const SLEW_PPB_MAX = 1_000_000n;
const PPB = 1_000_000_000n;

export class PulseEdges {
  readonly #look: () => PulseLook;
  #last: PulseLook | null = null;

  constructor(look: () => PulseLook) {
    this.#look = look;
  }

  /** Of a device such as `/dev/pps0`. */
  static of(path: string): PulseEdges {
    return new PulseEdges(() => ({ begunRawNs: readRawNs(), reading: readPulse(path) }));
  }

  /** The edge since the last look; null where there was none. @throws NativeError errno */
  next(): PulseEdge | null {
    const last = this.#last;
    this.#last = null;
    const now = this.#look();
    this.#last = now;
    return last === null ? null : edgeBetween(last, now);
  }
}

/** A sequence that went back is another device's: of its edges only the next one is known. */
export function edgeBetween(last: PulseLook, { reading }: PulseLook): PulseEdge | null {
  if (reading.assertSequence <= last.reading.assertSequence) return null;
  const { realtime, assertRealtimeNs: realtimeNs } = reading;
  const wide = { rawBeforeNs: last.begunRawNs, rawAfterNs: realtime.rawAfterNs, realtimeNs };
  const agoNs = realtime.valueNs - realtimeNs;
  if (agoNs < 0n || isStepped(last.reading.realtime, realtime)) return wide;
  const slewNs = slewOf(agoNs);
  const rawBeforeNs = largest(wide.rawBeforeNs, realtime.rawBeforeNs - agoNs - slewNs);
  const rawAfterNs = realtime.rawAfterNs - agoNs + slewNs;
  return rawBeforeNs <= rawAfterNs
    ? { rawBeforeNs, rawAfterNs: smallest(rawAfterNs, wide.rawAfterNs), realtimeNs }
    : wide;
}

/** Whether CLOCK_REALTIME went between the two as no steering makes it go. */
function isStepped(last: PulseReading['realtime'], now: PulseReading['realtime']): boolean {
  const walkedNs = now.valueNs - last.valueNs;
  const leastNs = now.rawBeforeNs - last.rawAfterNs;
  const mostNs = now.rawAfterNs - last.rawBeforeNs;
  return walkedNs < leastNs - slewOf(mostNs) || walkedNs > mostNs + slewOf(mostNs);
}

function slewOf(elapsedNs: bigint): bigint {
  return (elapsedNs * SLEW_PPB_MAX) / PPB + 1n;
}

function largest(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

function smallest(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
