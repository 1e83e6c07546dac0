/** A worker that is started again when it ends by itself: the index never takes the log with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { Log } from '../../base/log.ts';

/** Before a worker that ended is started again. */
const RESTART_PAUSE_MS = 1000;

export interface WorkerOptions<From> {
  readonly program: URL;
  readonly name: string;
  readonly data: unknown;
  readonly hear: (message: From) => void;
  /** It has been started, for the first time or again: what it must know. */
  readonly onStart: () => void;
  readonly log: Log;
}

export class RestartingWorker<To extends { readonly kind: string }, From> {
  readonly #options: WorkerOptions<From>;
  readonly #stopping = new AbortController();
  #worker: Worker | null = null;

  constructor(options: WorkerOptions<From>) {
    this.#options = options;
  }

  start(): void {
    const { program, name, data, hear, onStart, log } = this.#options;
    const worker = new Worker(program, { name, workerData: data });
    this.#worker = worker;
    worker.on('message', hear);
    worker.on('error', (error) => log.error('search index failed', error));
    worker.on('exit', () => void this.#restart());
    onStart();
  }

  /** Lost where it is not running. */
  post(message: To): void {
    this.#worker?.postMessage(message);
  }

  /** @param last what makes it end */
  async stop(last: To): Promise<void> {
    this.#stopping.abort();
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.post(last);
    await ended;
  }

  async #restart(): Promise<void> {
    this.#worker = null;
    if (this.#stopping.signal.aborted) return;
    try {
      await sleep(RESTART_PAUSE_MS, undefined, { signal: this.#stopping.signal });
    } catch {
      return; // stopped while it waited
    }
    this.start();
  }
}
