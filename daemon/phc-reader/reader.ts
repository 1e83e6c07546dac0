/**
 * Reads the clock of a network card for as long as it is there, and goes on trying where it is not.
 * The device is opened for each reading: a card that was taken out and put in is another clock, and
 * a note stands between.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { NativeError, readBracket, readPhc, type PhcReading } from '@kudurru/native';
import { encodePhcWay, type TimeNoteCode, type TimeRecord } from '@kudurru/proof';
import type { TimeRecordWriter } from '@kudurru/proof';

import type { PhcSettings } from './settings.ts';

export interface PhcReaderOptions extends Pick<PhcSettings, 'device' | 'intervalMs'> {
  readonly records: Pick<TimeRecordWriter, 'frame' | 'note'>;
  /** @throws NativeError errno */
  readonly read?: (path: string) => PhcReading;
}

export class PhcReader {
  readonly #options: PhcReaderOptions;
  readonly #stop = new AbortController();
  /** Null before the first reading. */
  #isThere: boolean | null = null;

  constructor(options: PhcReaderOptions) {
    this.#options = options;
  }

  /** Ends when `stop` was called. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.look();
      await sleep(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** One reading, or a note that there is none. */
  look(): void {
    const { device, records, read = readPhc } = this.#options;
    try {
      const reading = read(device);
      if (this.#isThere !== true) {
        this.#say(this.#isThere === null ? 'started' : 'back', `"${device}", ${reading.rung}`);
      }
      this.#isThere = true;
      records.frame(phcFrame(reading));
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      if (this.#isThere !== false) this.#say('unplugged', error.message);
      this.#isThere = false;
    }
  }

  #say(code: TimeNoteCode, message: string): void {
    const { rawBeforeNs, valueNs: clockNs, rawAfterNs } = readBracket('realtime', 1);
    this.#options.records.note(code, { message, at: { rawBeforeNs, clockNs, rawAfterNs } });
  }
}

/** By CLOCK_MONOTONIC_RAW alone where the driver reads it, else with it around the whole call. */
export function phcFrame(reading: PhcReading): TimeRecord {
  const { rung, systemClock, systemBeforeNs, systemAfterNs, phcNs } = reading;
  const isRaw = systemClock === 'monotonic-raw';
  return {
    kind: 'phc-bracket',
    rawBeforeNs: isRaw ? systemBeforeNs : reading.rawBeforeNs,
    rawAfterNs: isRaw ? systemAfterNs : reading.rawAfterNs,
    clockNs: phcNs,
    bytes: encodePhcWay({ rung, systemClock, systemBeforeNs, systemAfterNs }),
  };
}
