/**
 * Whether more comes than a line of its speed can carry. What waited while this process did not
 * read had its own time to come in; a burst of a second is allowed, as lines over USB have no speed
 * of their own. A rest earns no more than that burst.
 */
import type { HeardBytes } from './serial-line.ts';

/** One start and one stop bit beside eight. */
const BITS_PER_BYTE = 10n;
const NS_PER_SECOND = 1_000_000_000n;
/** The longest frame, on the slowest line. */
const BURST_SIZE_BYTES_MIN = 4200n;

export class LineCapacity {
  readonly #bytesPerSecond: bigint;
  /** Rooms are in bytes times 10^9, so that nothing is lost by rounding. */
  readonly #burst: bigint;
  #room: bigint;
  #lastRawNs: bigint;

  constructor(baud: number, nowRawNs: bigint) {
    this.#bytesPerSecond = BigInt(baud) / BITS_PER_BYTE;
    const burstBytes = larger(this.#bytesPerSecond, BURST_SIZE_BYTES_MIN);
    this.#burst = burstBytes * NS_PER_SECOND;
    this.#room = this.#burst;
    this.#lastRawNs = nowRawNs;
  }

  /** Whether the line can have carried these too. */
  take({ bytes, sinceRawNs, untilRawNs }: Omit<HeardBytes, 'realtimeNs'>): boolean {
    const beganRawNs = larger(sinceRawNs, this.#lastRawNs);
    const rest = (beganRawNs - this.#lastRawNs) * this.#bytesPerSecond;
    const rested = smaller(this.#room + rest, this.#burst);
    const left =
      rested +
      (untilRawNs - beganRawNs) * this.#bytesPerSecond -
      BigInt(bytes.length) * NS_PER_SECOND;
    this.#lastRawNs = untilRawNs;
    this.#room = larger(smaller(left, this.#burst), 0n);
    return left >= 0n;
  }
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
