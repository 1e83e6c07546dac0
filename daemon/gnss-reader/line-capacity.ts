/**
 * Whether more comes than a line of its speed can carry. What waited while this process did not
 * read had its own time to come in; a burst of a second is allowed, as lines over USB have no speed
 * of their own.
 */

/** One start and one stop bit beside eight. */
const BITS_PER_BYTE = 10n;
const NS_PER_SECOND = 1_000_000_000n;
/** The longest frame, on the slowest line. */
const BURST_SIZE_BYTES_MIN = 4200n;

export class LineCapacity {
  readonly #bytesPerSecond: bigint;
  readonly #burstBytes: bigint;
  /** Times 10^9, so that nothing is lost by rounding. */
  #room: bigint;
  #lastRawNs: bigint;

  constructor(baud: number, nowRawNs: bigint) {
    this.#bytesPerSecond = BigInt(baud) / BITS_PER_BYTE;
    this.#burstBytes =
      this.#bytesPerSecond > BURST_SIZE_BYTES_MIN ? this.#bytesPerSecond : BURST_SIZE_BYTES_MIN;
    this.#room = this.#burstBytes * NS_PER_SECOND;
    this.#lastRawNs = nowRawNs;
  }

  /** Whether the line can have carried so many more bytes by now. */
  take(sizeBytes: number, nowRawNs: bigint): boolean {
    const fullRoom = this.#burstBytes * NS_PER_SECOND;
    const room = this.#room + (nowRawNs - this.#lastRawNs) * this.#bytesPerSecond;
    const left = room - BigInt(sizeBytes) * NS_PER_SECOND;
    this.#lastRawNs = nowRawNs;
    this.#room = left > fullRoom ? fullRoom : left < 0n ? 0n : left;
    return left >= 0n;
  }
}
