/**
 * How much of the machine the index's builder takes. Its thread has the lowest priority, yet it
 * uses caches and the disk that intake needs too: while the ledger grows fast it waits, for a
 * while.
 */

/** `share`: an eighth of one core. */
export type Pace = 'free' | 'share' | 'paused';

/** Above it the ledger is busy. A builder needs a fifteenth of a core to follow this rate. */
export const BUSY_ENTRIES_PER_SECOND = 10_000;
/** Longer than this, or further behind than that, it takes its share however busy the ledger is. */
export const PAUSE_MAX_MS = 300_000;
export const PAUSED_LAG_MAX = 4_194_304;

const SHARE = 8;
/** Between two looks at what others want: what a turn may cost them. */
const TURN_MS = 5;

/** Looks at the size of the log once a second or so. */
export class LoadWatch {
  #lastSize: number | null = null;
  #lastMs = 0;
  #busySinceMs: number | null = null;

  /** @param lag entries that the builder is behind */
  paceAt(nowMs: number, size: number, lag: number): Pace {
    const grown = size - (this.#lastSize ?? size);
    const isBusy = grown * 1000 > BUSY_ENTRIES_PER_SECOND * (nowMs - this.#lastMs);
    this.#lastSize = size;
    this.#lastMs = nowMs;
    if (!isBusy) {
      this.#busySinceMs = null;
      return 'free';
    }
    this.#busySinceMs ??= nowMs;
    const isLong = nowMs - this.#busySinceMs >= PAUSE_MAX_MS;
    return isLong || lag > PAUSED_LAG_MAX ? 'share' : 'paused';
  }
}

/** The builder's side: gives way between two steps of its work. */
export class Turns {
  readonly #nowMs: () => number;
  #pace: Pace = 'free';
  #isStopped = false;
  #sinceMs: number;
  #busyMs = 0;
  #wake = Promise.withResolvers<void>();

  /** @param nowMs milliseconds that never go back */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  set(pace: Pace): void {
    this.#pace = pace;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  /** The next turn throws `Stopped`. */
  stop(): void {
    this.#isStopped = true;
    this.set('free');
  }

  /** Time spent working since it was asked last. */
  takeBusyMs(): number {
    const busyMs = this.#busyMs + this.#nowMs() - this.#sinceMs;
    this.#busyMs = 0;
    this.#sinceMs = this.#nowMs();
    return busyMs;
  }

  /** @throws Stopped */
  async take(): Promise<void> {
    const workedMs = this.#nowMs() - this.#sinceMs;
    if (this.#isStopped) throw new Stopped();
    if (workedMs < TURN_MS) return;
    this.#busyMs += workedMs;
    await new Promise<void>(setImmediate);
    if (this.#pace === 'share') await this.#waitFor((SHARE - 1) * workedMs);
    while (this.#pace === 'paused' && !this.#isStopped) await this.#wake.promise;
    this.#sinceMs = this.#nowMs();
  }

  /** Waits at most so long for a word from outside. @throws Stopped */
  async rest(timeMs: number): Promise<void> {
    if (!this.#isStopped) await this.#waitFor(timeMs);
    this.#sinceMs = this.#nowMs();
    if (this.#isStopped) throw new Stopped();
  }

  /** Somebody has news. */
  nudge(): void {
    this.set(this.#pace);
  }

  async #waitFor(timeMs: number): Promise<void> {
    const time = Promise.withResolvers<void>();
    const timer = setTimeout(time.resolve, timeMs);
    await Promise.race([time.promise, this.#wake.promise]);
    clearTimeout(timer);
  }
}

/** Work ends here; what is half made is thrown away. */
export class Stopped extends Error {}
