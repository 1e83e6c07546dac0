/**
 * The search index as the daemon has it: tells the builder what is published and how much it may
 * take, hands questions to the searcher, knows how far behind it is. Nothing of the log is kept
 * here or on the way: both workers read what is published, at their own time.
 */
import { TILE_WIDTH } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { endOf, type IndexFile, type IndexShape, type Range } from './files.ts';
import type {
  FromBuilder,
  FromSearcher,
  IndexWorkerData,
  ToBuilder,
  ToSearcher,
} from './messages.ts';
import { LoadWatch, type Pace } from './pace.ts';
import { lagOf } from './plan.ts';
import { PublishedRows, UnreadableBundle } from './published-rows.ts';
import type { Answer, Question } from './questions.ts';
import { RestartingWorker } from './restarting-worker.ts';

export interface FollowerOptions {
  /** State folder: `index/` is made in it, `tile/` is read. */
  readonly state: string;
  readonly ledgerId: Uint8Array;
  /** Entries of the log. */
  readonly size: () => number;
  /** Everything below this size can be read from its bundles afterwards. */
  readonly publish: (size: number) => Promise<void>;
  /** Writes the full bundle whose first entry this is, from the journal. */
  readonly remake: (first: number) => Promise<void>;
  readonly log: Log;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
  readonly shape: IndexShape;
  readonly checkPauseMs?: number;
}

export interface IndexLag {
  /** Entries that no question can find yet. */
  readonly entriesBehind: number;
  /** How long the builder needs for them, as fast as it was last; null before it built any. */
  readonly catchUpMs: number | null;
  readonly entriesPerSecond: number | null;
  readonly pace: Pace;
}

const TICK_MS = 1000;
const CHECK_PAUSE_MS = 10_000;
/** A question whose answer must lack nothing waits so long for the builder. */
const WHOLE_ANSWER_MAX_MS = 20_000;

const STOPPING = 'the daemon is stopping';

interface Waiting {
  readonly settle: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class IndexFollower {
  readonly #options: FollowerOptions;
  readonly #shape: IndexShape;
  readonly #builder: RestartingWorker<ToBuilder, FromBuilder>;
  readonly #searcher: RestartingWorker<ToSearcher, FromSearcher>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #load = new LoadWatch();
  readonly #bundles: PublishedRows;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timer: NodeJS.Timeout;
  #files: readonly IndexFile[] = [];
  #published = 0;
  #pace: Pace = 'free';
  #entriesPerSecond: number | null = null;
  /** Why the builder last failed; null since it built something. */
  #failure: string | null = null;
  #lastId = 0;
  #isStopped = false;
  /** Questions that wait for the builder. */
  #asking = 0;
  #onNews = Promise.withResolvers<void>();
  #ticking: Promise<void> | null = null;

  constructor(options: FollowerOptions) {
    const { state, ledgerId, log, shape, checkPauseMs = CHECK_PAUSE_MS } = options;
    this.#options = options;
    this.#bundles = new PublishedRows(state);
    this.#shape = shape;
    const data: IndexWorkerData = { state, ledgerId, size: options.size(), shape, checkPauseMs };
    this.#builder = new RestartingWorker({
      program: new URL('./build-worker.ts', import.meta.url),
      name: 'index',
      data,
      hear: (message) => this.#hearBuilder(message),
      onStart: () => this.#tellBuilder(),
      log,
    });
    this.#searcher = new RestartingWorker({
      program: new URL('./search-worker.ts', import.meta.url),
      name: 'search',
      data,
      hear: (message) => this.#hearSearcher(message),
      onStart: () => this.#tellSearcher(),
      log,
    });
    this.#builder.start();
    this.#searcher.start();
    this.#timer = setInterval(() => {
      this.#ticking ??= this.#tick().finally(() => {
        this.#ticking = null;
      });
    }, TICK_MS);
  }

  /** Everything below `size` is published. Sizes may come out of order: only a greater is news. */
  follow(size: number): void {
    if (size <= this.#published) return;
    this.#published = size;
    this.#builder.post({ kind: 'follow', size });
  }

  /** @param size entries that are published. @throws Error where the searcher failed */
  async ask(question: Question, size: number): Promise<Answer> {
    if (this.#isStopped) throw new Error(STOPPING);
    await this.#ready.promise;
    this.follow(size);
    for (let remade: number | null = null; ;) {
      try {
        return await this.#askOnce(question, size);
      } catch (error) {
        // Once for each: what is made again and still cannot be read is another's fault.
        if (!(error instanceof UnreadableBundle)) throw error;
        if (error.first === remade || error.first + TILE_WIDTH > size) throw error;
        remade = error.first;
        await this.#options.remake(remade);
      }
    }
  }

  #askOnce(question: Question, size: number): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise<Answer>((settle, reject) => {
      this.#waiting.set(id, { settle, reject });
      this.#searcher.post({ kind: 'question', id, size, question });
    });
  }

  /**
   * Asks until the answer lacks nothing; the builder goes on meanwhile, however busy the ledger.
   */
  async askAll(question: Question, size: number): Promise<Answer> {
    const giveUpAtMs = this.#options.nowMs() + WHOLE_ANSWER_MAX_MS;
    this.#asking++;
    try {
      for (;;) {
        const answer = await this.ask(question, size);
        if (answer.missing === null || this.#options.nowMs() > giveUpAtMs) return answer;
        this.#builder.post({ kind: 'want', index: answer.missing });
        this.#setPace('free');
        await this.#news(giveUpAtMs);
      }
    } finally {
      this.#asking--;
    }
  }

  /** An answer was no answer: the file that it came from is made again. */
  distrust(index: number, reason: string): void {
    this.#builder.post({ kind: 'distrust', index, reason });
  }

  lag(): IndexLag {
    const entriesBehind = lagOf(this.#files, this.#options.size(), this.#shape);
    const rate = this.#entriesPerSecond;
    const catchUpMs = rate === null ? null : Math.round((1000 * entriesBehind) / rate);
    return { entriesBehind, catchUpMs, entriesPerSecond: rate, pace: this.#pace };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#onNews.resolve();
    clearInterval(this.#timer);
    await this.#ticking;
    await Promise.all([
      this.#builder.stop({ kind: 'stop' }),
      this.#searcher.stop({ kind: 'stop' }),
    ]);
    this.#rejectAll(STOPPING);
  }

  /** Publishes whole segments as they become full, and looks at how busy the ledger is. */
  async #tick(): Promise<void> {
    const { size, publish, log, nowMs } = this.#options;
    try {
      const now = size();
      const pace = this.#load.paceAt(nowMs(), now, this.lag().entriesBehind);
      this.#setPace(this.#asking > 0 ? 'free' : pace);
      const full = now - (now % this.#shape.segment);
      if (full > this.#published) {
        await publish(full);
        this.follow(full);
      }
    } catch (error) {
      log.warning('search index lags', { reason: reasonOf(error) });
    }
  }

  #setPace(pace: Pace): void {
    if (pace === this.#pace) return;
    this.#pace = pace;
    this.#builder.post({ kind: 'pace', pace });
  }

  /** The builder has made a file, or it is too late. */
  async #news(atLatestMs: number): Promise<void> {
    const time = Promise.withResolvers<void>();
    const timer = setTimeout(time.resolve, Math.max(0, atLatestMs - this.#options.nowMs()));
    await Promise.race([this.#onNews.promise, time.promise]);
    clearTimeout(timer);
  }

  #hearBuilder(message: FromBuilder): void {
    const { log } = this.#options;
    switch (message.kind) {
      case 'files':
        this.#files = message.files;
        this.#searcher.post(message);
        this.#ready.resolve();
        this.#onNews.resolve();
        this.#onNews = Promise.withResolvers<void>();
        return;
      case 'built':
        this.#failure = null;
        this.#entriesPerSecond = Math.round((1000 * message.entries) / message.busyMs);
        return;
      case 'rebuilding':
        log.warning('part of the search index is built again', { reason: message.reason });
        return;
      case 'failed':
        // Tried again once a second: said once.
        if (message.reason !== this.#failure) {
          log.warning('search index lags', { reason: message.reason });
        }
        this.#failure = message.reason;
        if (message.lacks !== null) void this.#remake(message.lacks);
    }
  }

  #hearSearcher(message: FromSearcher): void {
    if (message.kind === 'damaged') {
      const { file, reason } = message;
      this.#builder.post({ kind: 'distrust', index: file.first, reason });
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.settle(message.answer);
    else if (message.lacks === null) waiting?.reject(new Error(message.reason));
    else waiting?.reject(new UnreadableBundle(message.lacks, message.reason));
  }

  /** Bundles that somebody removed or damaged: the journal has their entries. */
  async #remake(range: Range): Promise<void> {
    const { remake, log } = this.#options;
    try {
      for (let { first } = range; first < endOf(range); first += TILE_WIDTH) {
        if (first === range.first || !this.#bundles.has(first)) await remake(first);
      }
      this.#builder.post({ kind: 'follow', size: this.#published });
    } catch (error) {
      log.warning('entry bundle not made again', { reason: reasonOf(error) });
    }
  }

  /** What a builder that was just started has to know. */
  #tellBuilder(): void {
    if (this.#published > 0) this.#builder.post({ kind: 'follow', size: this.#published });
    this.#builder.post({ kind: 'pace', pace: this.#pace });
  }

  /** Questions that went down with the one before get an error. */
  #tellSearcher(): void {
    this.#rejectAll('the search worker has ended');
    this.#searcher.post({ kind: 'files', files: this.#files, gone: [] });
  }

  #rejectAll(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}
