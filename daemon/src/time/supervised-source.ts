/** A source's process, started again whenever it ends, later each time up to a bound. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { TimeRecord } from '@kudurru/proof';

import type { TimeSource, TimeSourceRun } from '../hardware/time-source.ts';

export interface SupervisedSourceOptions {
  readonly source: TimeSource;
  readonly hear: (record: TimeRecord) => void;
  /** It ended by itself. */
  readonly lost: (reason: string) => void;
}

const restartFirstMs = 500;
const restartLongestMs = 30_000;

export class SupervisedSource {
  readonly #options: SupervisedSourceOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #run: TimeSourceRun | null = null;

  constructor(options: SupervisedSourceOptions) {
    this.#options = options;
    this.#done = this.#supervise();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#run?.stop();
    await this.#done;
  }

  async #supervise(): Promise<void> {
    const { source, lost } = this.#options;
    let pauseMs = restartFirstMs;
    while (!this.#stopping.signal.aborted) {
      let heard = false;
      this.#run = source.start((record) => {
        heard ||= record.kind !== 'note';
        this.#options.hear(record);
      });
      const reason = await this.#run.ended;
      this.#run = null;
      if (this.#stopping.signal.aborted) return;
      lost(reason);
      pauseMs = heard ? restartFirstMs : Math.min(pauseMs * 2, restartLongestMs);
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }
}
