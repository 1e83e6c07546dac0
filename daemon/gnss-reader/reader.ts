/**
 * Reads one receiver for as long as it is there, and waits for it where it is not: it never gives
 * up, and after each loss it tries again, later each time up to a bound. A line that was opened
 * anew may lead to another receiver: what was said before a note `unplugged` does not count for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { TimeRecordWriter } from '@kudurru/proof';

import { Listening } from './listening.ts';
import { Notes } from './notes.ts';
import { PulseEdges } from './pulse-edges.ts';
import { LineError, SerialLine } from './serial-line.ts';
import type { ReaderSettings } from './settings.ts';

const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5000;

export class GnssReader {
  readonly #settings: ReaderSettings;
  readonly #records: TimeRecordWriter;
  readonly #notes: Notes;
  readonly #stop = new AbortController();

  constructor(settings: ReaderSettings, records: TimeRecordWriter) {
    this.#settings = settings;
    this.#records = records;
    this.#notes = new Notes(records);
  }

  /** Ends when `stop` was called. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    let waitMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      const hasHeard = await this.#attend();
      if (hasHeard) waitMs = RETRY_FIRST_MS;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** From opening the line to losing it. Whether anything came over it. */
  async #attend(): Promise<boolean> {
    const [settings, records, notes] = [this.#settings, this.#records, this.#notes];
    let line: SerialLine | undefined;
    let listening: Listening | undefined;
    try {
      line = await SerialLine.open(settings.line, settings.baud);
      const how = `"${settings.line}" at ${settings.baud} baud; its unique id is asked`;
      if (notes.trouble === null) notes.say('started', how);
      else notes.sayOver(notes.trouble, how);
      const pulse = settings.pulse === null ? null : PulseEdges.of(settings.pulse);
      listening = new Listening({ line, pulse, settings, records, notes });
      await listening.listen(this.#stop.signal);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      notes.sayTrouble('unplugged', error.message);
    } finally {
      await line?.close();
    }
    return listening?.hasHeard ?? false;
  }
}
