/**
 * Keeps the search index behind the log: starts the worker, tells it what has been published, knows
 * how far it is. A worker that fails is started again; the log does not wait for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { Log } from '../base/log.ts';
import { treeSize, type TreeSize } from '../base/units.ts';
import type { FromWorker, IndexWorkerData, ToWorker } from './index-messages.ts';

/** Pause before a worker that ended is started again. */
const RESTART_PAUSE_MS = 1000;

export class IndexFollower {
  readonly #data: IndexWorkerData;
  readonly #log: Log;
  readonly #onRebuild: () => void;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stopping = new AbortController();
  #worker: Worker | null = null;
  #published: TreeSize = treeSize(0n);
  #indexed: TreeSize = treeSize(0n);
  #waiters: { size: bigint; resolve: () => void }[] = [];

  /** @param onRebuild called when the file is about to be replaced: let go of it */
  constructor(data: IndexWorkerData, log: Log, onRebuild: () => void) {
    this.#data = data;
    this.#log = log;
    this.#onRebuild = onRebuild;
    this.#start();
  }

  /** Entries that have been indexed. */
  get size(): TreeSize {
    return this.#indexed;
  }

  /** Resolves when the file is there. */
  async ready(): Promise<void> {
    await this.#ready.promise;
  }

  /**
   * Everything below `size` is published. Sizes may come out of order, a search's before an older
   * anchor's: only a greater one is news. Less than an earlier run indexed is another log.
   */
  follow(size: TreeSize): void {
    if (size <= this.#published) return;
    this.#published = size;
    this.#tell({ kind: 'follow', size });
  }

  /** Resolves when everything below `size` is indexed, or the follower stops. */
  async reached(size: TreeSize): Promise<void> {
    if (this.#indexed >= size || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => this.#waiters.push({ size, resolve }));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const worker = this.#worker;
    if (worker !== null) {
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      this.#tell({ kind: 'stop' });
      await ended;
    }
    this.#wake(true);
  }

  #start(): void {
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      name: 'index',
      workerData: this.#data,
    });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    worker.on('error', (error) => this.#log.error('search index failed', error));
    worker.on('exit', () => void this.#restart());
    if (this.#published > 0n) this.#tell({ kind: 'follow', size: this.#published });
  }

  async #restart(): Promise<void> {
    this.#worker = null;
    if (this.#stopping.signal.aborted) return;
    try {
      await sleep(RESTART_PAUSE_MS, undefined, { signal: this.#stopping.signal });
    } catch {
      return; // stopped while it waited
    }
    this.#start();
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'indexed') {
      this.#indexed = treeSize(message.size);
      this.#ready.resolve();
      this.#wake(false);
      return;
    }
    if (message.kind === 'rebuilding') this.#onRebuild();
    const what =
      message.kind === 'rebuilding' ? 'search index is built again' : 'search index lags';
    this.#log.warning(what, { reason: message.reason });
  }

  #wake(all: boolean): void {
    const ready = this.#waiters.filter(({ size }) => all || size <= this.#indexed);
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}
