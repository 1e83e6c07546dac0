/**
 * How far a check is: one line that is written over where somebody looks at a terminal, else a line
 * every ten seconds. Always on stderr.
 */
import { size } from '../quantities.ts';

const REDRAWN_EVERY_MS = 200;
const LINE_EVERY_MS = 10_000;
const BAR_CELLS = 24;

export interface Reached {
  readonly entries: bigint;
  readonly bytesDone: bigint;
  readonly bytesTotal: bigint;
}

/** Of the search index: entries whose rows were compared, of all that its files hold. */
export interface IndexReached {
  readonly done: number;
  readonly total: number;
}

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #startedAt = performance.now();
  #first: Reached | null = null;
  #indexStartedAt: number | null = null;
  #shownAt: number;
  #isOpen = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#shownAt = stream.isTTY ? -Infinity : this.#startedAt;
  }

  show(reached: Reached): void {
    this.#first ??= reached;
    const first = this.#first;
    this.#print((seconds) => progressText(first, reached, seconds));
  }

  showIndex(reached: IndexReached): void {
    const startedAt = (this.#indexStartedAt ??= performance.now());
    this.#print(() => indexProgressText(reached, (performance.now() - startedAt) / 1000));
  }

  #print(text: (seconds: number) => string): void {
    const now = performance.now();
    const every = this.#stream.isTTY ? REDRAWN_EVERY_MS : LINE_EVERY_MS;
    if (now - this.#shownAt < every) return;
    this.#shownAt = now;
    const line = text((now - this.#startedAt) / 1000);
    if (this.#stream.isTTY) this.#stream.write(`\r${line}\u{1b}[K`);
    else this.#stream.write(`${line}\n`);
    this.#isOpen = this.#stream.isTTY;
  }

  end(): void {
    if (this.#isOpen) this.#stream.write('\r\u{1b}[K');
    this.#isOpen = false;
  }
}

/** `first` is where this run began: it may have gone on from an earlier one. */
export function progressText(first: Reached, reached: Reached, seconds: number): string {
  const rate = seconds > 0 ? Number(reached.entries - first.entries) / seconds : 0;
  const bytesRate = seconds > 0 ? Number(reached.bytesDone - first.bytesDone) / seconds : 0;
  const left = Number(reached.bytesTotal - reached.bytesDone) / bytesRate;
  return (
    `${barText(Number(reached.bytesDone), Number(reached.bytesTotal))}, ` +
    `${reached.entries} entries, ` +
    `${Math.round(rate).toLocaleString('en-GB')}/s, ${size(bytesRate)}/s` +
    (Number.isFinite(left) ? `, ${durationText(left)} left` : '')
  );
}

export function indexProgressText({ done, total }: IndexReached, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const left = (total - done) / rate;
  return (
    `${barText(done, total)} of the index, ${done} entries, ` +
    `${Math.round(rate).toLocaleString('en-GB')}/s` +
    (Number.isFinite(left) ? `, ${durationText(left)} left` : '')
  );
}

function barText(done: number, total: number): string {
  const share = done / Math.max(1, total);
  const cells = Math.min(BAR_CELLS, Math.floor(share * BAR_CELLS));
  const bar = `${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}`;
  return `kudurru: [${bar}] ${(100 * share).toFixed(0)} %`;
}

function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
