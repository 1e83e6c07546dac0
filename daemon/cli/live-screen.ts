/**
 * A screen that is drawn again and again, in the terminal's second buffer: what stood there before
 * is back when it is left. It is left by q, Ctrl-C or a signal; whoever made it calls `leave`,
 * whatever happened.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const LEAVING_KEYS = ['q', 'Q', '\u0003', '\u0004'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const ROWS_DEFAULT = 24;
const COLUMNS_DEFAULT = 80;

export interface ScreenStreams {
  readonly output: Pick<NodeJS.WriteStream, 'write' | 'on' | 'off'> & {
    readonly rows?: number;
    readonly columns?: number;
  };
  /** Not a terminal where keys cannot be read one by one: a signal leaves then. */
  readonly input: NodeJS.ReadStream;
}

export class LiveScreen {
  readonly #streams: ScreenStreams;
  #leaving = new AbortController();
  #turn = new AbortController();

  constructor(streams: ScreenStreams) {
    this.#streams = streams;
    const { input, output } = streams;
    if (input.isTTY) {
      input.setRawMode(true);
      input.on('data', this.#onKey);
      input.resume();
    }
    for (const signal of SIGNALS) process.on(signal, this.#onLeave);
    output.on('resize', this.#onResize);
    output.write(ENTER);
  }

  get isLeft(): boolean {
    return this.#leaving.signal.aborted;
  }

  get columns(): number {
    return known(this.#streams.output.columns) ?? COLUMNS_DEFAULT;
  }

  get rows(): number {
    return known(this.#streams.output.rows) ?? ROWS_DEFAULT;
  }

  /** As many of the lines as there are rows; each is at most `columns` wide. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows).map((line) => `${line}${CLEAR_LINE_END}`);
    this.#streams.output.write(`${HOME}${shown.join('\n')}${CLEAR_BELOW}`);
  }

  /** Until it is time for the next drawing: after `ms`, at another size, or when it is left. */
  async turn(ms: number): Promise<void> {
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#turn.signal, this.#leaving.signal]);
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  leave(): void {
    const { input, output } = this.#streams;
    output.write(LEAVE);
    output.off('resize', this.#onResize);
    for (const signal of SIGNALS) process.off(signal, this.#onLeave);
    if (!input.isTTY) return;
    input.off('data', this.#onKey);
    input.setRawMode(false);
    input.pause();
  }

  readonly #onKey = (keys: Buffer | string): void => {
    if (LEAVING_KEYS.some((key) => String(keys).includes(key))) this.#onLeave();
  };

  readonly #onLeave = (): void => this.#leaving.abort();

  readonly #onResize = (): void => this.#turn.abort();
}

/** A terminal that was never told its size says 0. */
function known(size: number | undefined): number | null {
  return size === undefined || size === 0 ? null : size;
}
