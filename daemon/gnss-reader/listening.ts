/**
 * One opening of the line, until it is lost: frames and pulses are handed on as they come, and the
 * receiver is asked again and again who it is, so that each reading of time holds the answer. The
 * questions are all that is ever written to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { NativeError, readBracket, readRawNs } from '@kudurru/native';
import { encodeUbxPoll, type TimeRecordWriter } from '@kudurru/proof';

import { LineIntake } from './line-intake.ts';
import type { Notes } from './notes.ts';
import type { PulseEdges } from './pulse-edges.ts';
import type { SerialLine } from './serial-line.ts';
import type { ReaderSettings } from './settings.ts';

export interface ListeningOptions {
  readonly line: Pick<SerialLine, 'read' | 'ask'>;
  /** Null: none is wired. */
  readonly pulse: PulseEdges | null;
  readonly settings: ReaderSettings;
  readonly records: TimeRecordWriter;
  readonly notes: Notes;
}

/** How exactly it is known when bytes came, and how soon after its edge a pulse is seen. */
const READ_EVERY_MS = 10;
const PULSE_AGAIN_AFTER_MS = 1000;
const NS_PER_MS = 1_000_000n;

export class Listening {
  readonly #options: ListeningOptions;
  readonly #intake: LineIntake;
  #heardRawNs: bigint;
  #hasHeard = false;
  #askRawNs: bigint;
  #pulseRawNs: bigint;
  #isPulseMissing = false;

  constructor(options: ListeningOptions) {
    const { baud } = options.settings;
    const openedRawNs = readRawNs();
    this.#options = options;
    this.#intake = new LineIntake({ ...options, baud, openedRawNs });
    this.#heardRawNs = openedRawNs;
    this.#askRawNs = openedRawNs;
    this.#pulseRawNs = openedRawNs;
  }

  /** Whether anything came. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  /** Ends when `signal` says so. @throws LineError when the line is lost */
  async listen(signal: AbortSignal): Promise<void> {
    const { line } = this.#options;
    line.ask(encodeUbxPoll('mon-ver'));
    try {
      while (!signal.aborted) {
        this.#ask();
        this.#lookForPulse();
        this.#read();
        await sleep(READ_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      const { rawAfterNs, valueNs } = readBracket('realtime', 1);
      this.#intake.end({ untilRawNs: rawAfterNs, realtimeNs: valueNs });
    }
  }

  #ask(): void {
    const { line, settings } = this.#options;
    const nowRawNs = readRawNs();
    if (nowRawNs < this.#askRawNs) return;
    this.#askRawNs = nowRawNs + BigInt(settings.askEveryMs) * NS_PER_MS;
    line.ask(encodeUbxPoll('sec-uniqid'));
  }

  #read(): void {
    const { line, settings, notes } = this.#options;
    const heard = line.read();
    if (heard !== null) {
      this.#heardRawNs = heard.untilRawNs;
      this.#hasHeard = true;
      notes.sayOver('stall', 'the receiver is heard again');
      this.#intake.take(heard);
      return;
    }
    const { silenceMs } = settings;
    if (readRawNs() - this.#heardRawNs <= BigInt(silenceMs) * NS_PER_MS) return;
    notes.sayTrouble('stall', `not a byte came for ${silenceMs} ms`);
  }

  /** A pulse that cannot be read is told once, and tried again. */
  #lookForPulse(): void {
    const { pulse, records, notes } = this.#options;
    const nowRawNs = readRawNs();
    if (pulse === null || nowRawNs < this.#pulseRawNs) return;
    try {
      const edge = pulse.next();
      this.#isPulseMissing = false;
      if (edge === null) return;
      const { realtimeNs, ...bracket } = edge;
      records.frame({ kind: 'pps', ...bracket, clockNs: realtimeNs, bytes: new Uint8Array(0) });
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.#pulseRawNs = nowRawNs + BigInt(PULSE_AGAIN_AFTER_MS) * NS_PER_MS;
      if (!this.#isPulseMissing) notes.say('not-supported', error.message);
      this.#isPulseMissing = true;
    }
  }
}
