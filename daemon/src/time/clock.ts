/**
 * The time of entries. One source, the system clock, so the level is UNKNOWN and there is no
 * window: nothing here claims that the clock is right. What holds: TAI by our own leap list, and
 * time never goes back in this ledger. A clock that is set back is held at the last entry's time
 * and reported once for each step.
 */
import { LEAP_TABLE, encodeTimeEvidence, taiMinusUtcSeconds, type LeapTable } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { taiNs, type TaiNs } from '../base/units.ts';

/** CLOCK_MONOTONIC_RAW between two reads of CLOCK_REALTIME, in ns. */
export interface ClockReading {
  readonly realtimeBeforeNs: bigint;
  readonly monotonicRawNs: bigint;
  readonly realtimeAfterNs: bigint;
  readonly kernelState: {
    readonly state: number;
    readonly status: number;
    readonly maxErrorUs: number;
    readonly estimatedErrorUs: number;
  } | null;
}

export interface ClockOptions {
  readonly read: () => ClockReading;
  readonly leapTable?: LeapTable;
}

/** An instant on both scales, as entries carry it. */
export interface Instant {
  readonly taiNs: TaiNs;
  readonly monotonicRawNs: bigint;
}

/** From this instant of CLOCK_REALTIME on, TAI is ahead of UTC by so many seconds. */
export interface LeapStepNs {
  readonly fromRealtimeNs: bigint;
  readonly taiMinusUtcSeconds: number;
}

const nsPerSecond = 1_000_000_000n;
const nsPerMs = 1_000_000n;

/** A step is what no slewing explains: adjtime(3) and NTP change the rate by 500 ppm at most. */
const slewPerMillion = 500n;
/** Below this a difference is the scatter of two reads. */
const stepMinNs = 50n * nsPerMs;

export class Clock {
  readonly #read: () => ClockReading;
  readonly #leapTable: LeapTable;
  #last: TaiNs = taiNs(0n);
  #previous: ClockReading | null = null;
  #steppedBackNs = 0n;

  constructor({ read, leapTable = LEAP_TABLE }: ClockOptions) {
    this.#read = read;
    this.#leapTable = leapTable;
  }

  /**
   * Goes on from the last entry of the ledger. A clock far behind it is not set: going on would
   * stamp hours of entries with one and the same instant.
   * @throws KudurruError `clock-behind`
   */
  continueFrom(lastEntryTaiNs: TaiNs, behindMaxMs: number): void {
    const behindNs = lastEntryTaiNs - this.#taiOf(this.#reading().realtimeBeforeNs);
    if (behindNs > BigInt(behindMaxMs) * nsPerMs) {
      throw new KudurruError(
        'clock-behind',
        `start refused: the system clock is ${formatSeconds(behindNs)} s behind the last entry ` +
          `of this ledger, and at most ${behindMaxMs} ms are accepted (clockBehindMaxMs); ` +
          'set the clock and start again',
      );
    }
    this.#last = lastEntryTaiNs;
  }

  /** Now; never before an instant given earlier, or before the last entry. */
  now(): Instant {
    const { realtimeBeforeNs, monotonicRawNs } = this.#reading();
    const read = this.#taiOf(realtimeBeforeNs);
    if (read > this.#last) this.#last = taiNs(read);
    return { taiNs: this.#last, monotonicRawNs };
  }

  /** TAI − UTC in force now, in seconds, for stamps that intake took itself. */
  taiMinusUtcSeconds(): number {
    return taiMinusUtcSeconds(this.#reading().realtimeBeforeNs, this.#leapTable);
  }

  /** TAI − UTC at every instant, for stamps that are brought to TAI by others. */
  leapSteps(): readonly LeapStepNs[] {
    return this.#leapTable.steps.map(({ fromUnixSeconds, taiMinusUtcSeconds: seconds }) => ({
      fromRealtimeNs: BigInt(fromUnixSeconds) * nsPerSecond,
      taiMinusUtcSeconds: seconds,
    }));
  }

  /** Time evidence version 1 of the system clock (SPEC.md §9). */
  evidence(): Uint8Array {
    const reading = this.#reading();
    return encodeTimeEvidence({
      version: 1,
      source: 'system-clock',
      realtimeBeforeNs: reading.realtimeBeforeNs,
      monotonicRawNs: reading.monotonicRawNs,
      realtimeAfterNs: reading.realtimeAfterNs,
      taiMinusUtcSeconds: taiMinusUtcSeconds(reading.realtimeBeforeNs, this.#leapTable),
      leapListExpiryUnixSeconds: this.#leapTable.expiresUnixSeconds,
      kernelState: reading.kernelState,
    });
  }

  /** How far the clock was set back since this was last asked, in ns; null when it was not. */
  takeStepBack(): bigint | null {
    if (this.#steppedBackNs === 0n) return null;
    const steppedBackNs = this.#steppedBackNs;
    this.#steppedBackNs = 0n;
    return steppedBackNs;
  }

  /** When the leap list ends, and whether that has passed by the system clock. */
  leapList(): { readonly source: string; readonly expiresUnixSeconds: number; expired: boolean } {
    const { source, expiresUnixSeconds } = this.#leapTable;
    const nowSeconds = this.#reading().realtimeBeforeNs / nsPerSecond;
    return { source, expiresUnixSeconds, expired: nowSeconds >= BigInt(expiresUnixSeconds) };
  }

  #taiOf(realtimeNs: bigint): bigint {
    return realtimeNs + BigInt(taiMinusUtcSeconds(realtimeNs, this.#leapTable)) * nsPerSecond;
  }

  #reading(): ClockReading {
    const reading = this.#read();
    const previous = this.#previous;
    this.#previous = reading;
    if (previous === null) return reading;
    const elapsedNs = reading.monotonicRawNs - previous.monotonicRawNs;
    const walkedNs = reading.realtimeBeforeNs - previous.realtimeBeforeNs;
    const slewMaxNs = (elapsedNs * slewPerMillion) / 1_000_000n;
    const backNs = elapsedNs - walkedNs;
    if (backNs > slewMaxNs + stepMinNs) this.#steppedBackNs += backNs;
    return reading;
  }
}

function formatSeconds(ns: bigint): string {
  return `${ns / nsPerSecond}.${((ns % nsPerSecond) / nsPerMs).toString().padStart(3, '0')}`;
}
