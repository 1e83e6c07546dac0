/**
 * What came over one opening of the line, handed on byte by byte: frames, and what is none as
 * `gnss-other`. Bounded: of what is more than the line can carry nothing is kept.
 */
import {
  GNSS_PENDING_SIZE_BYTES_MAX,
  TIME_FRAME_SIZE_BYTES_MAX,
  type TimeRecordWriter,
} from '@kudurru/proof';

import { LineCapacity } from './line-capacity.ts';
import type { Notes } from './notes.ts';
import type { HeardBytes } from './serial-line.ts';
import { StampedFrames, type StampedPiece } from './stamped-frames.ts';

export interface LineIntakeOptions {
  readonly baud: number;
  readonly records: Pick<TimeRecordWriter, 'frame'>;
  readonly notes: Pick<Notes, 'say' | 'sayTrouble' | 'sayOver'>;
  readonly openedRawNs: bigint;
}

/** Between two notes of what is no frame; and so long without excess ends a flood. */
const NOTE_EVERY_NS = 1_000_000_000n;
/** Of what is no frame, in a note. */
const SAMPLE_SIZE_BYTES = 256;

export class LineIntake {
  readonly #options: LineIntakeOptions;
  readonly #frames = new StampedFrames();
  readonly #capacity: LineCapacity;
  /** Whether the beginning of a frame is known: an opening, or a loss, may be within one. */
  #isFramed = false;
  #noiseBytes = 0;
  #noiseNotedRawNs: bigint;
  #droppedBytes = 0;
  #droppedRawNs = 0n;

  constructor(options: LineIntakeOptions) {
    this.#options = options;
    this.#capacity = new LineCapacity(options.baud, options.openedRawNs);
    this.#noiseNotedRawNs = options.openedRawNs - NOTE_EVERY_NS;
  }

  take(heard: HeardBytes): void {
    if (!this.#capacity.take(heard)) {
      this.#drop(heard);
      return;
    }
    if (heard.untilRawNs - this.#droppedRawNs >= NOTE_EVERY_NS) {
      this.#options.notes.sayOver('flood', `${this.#droppedBytes} bytes were dropped`);
    }
    for (const piece of this.#frames.push(heard)) this.#handOn(piece, heard);
  }

  /** The rest of a frame that is under way will not come. */
  end(at: Pick<HeardBytes, 'untilRawNs' | 'realtimeNs'>): void {
    this.#isFramed = false;
    for (const piece of this.#frames.end()) this.#handOn(piece, at);
  }

  #drop(heard: HeardBytes): void {
    const { notes, baud } = this.#options;
    this.end(heard);
    this.#droppedBytes += heard.bytes.length;
    this.#droppedRawNs = heard.untilRawNs;
    notes.sayTrouble('flood', `more came than a line of ${baud} baud can carry`);
  }

  #handOn(
    { kind, bytes, sinceRawNs }: StampedPiece,
    { untilRawNs, realtimeNs }: Pick<HeardBytes, 'untilRawNs' | 'realtimeNs'>,
  ): void {
    const at = { rawBeforeNs: sinceRawNs, rawAfterNs: untilRawNs, clockNs: realtimeNs };
    const { records } = this.#options;
    if (kind !== 'noise') {
      this.#isFramed = true;
      records.frame({ kind, ...at, bytes });
      return;
    }
    for (let from = 0; from < bytes.length; from += TIME_FRAME_SIZE_BYTES_MAX) {
      const part = bytes.slice(from, from + TIME_FRAME_SIZE_BYTES_MAX);
      records.frame({ kind: 'gnss-other', ...at, bytes: part });
    }
    this.#noteNoise(bytes, untilRawNs);
  }

  #noteNoise(bytes: Uint8Array, rawNs: bigint): void {
    this.#noiseBytes += bytes.length;
    if (!this.#isFramed && this.#noiseBytes <= GNSS_PENDING_SIZE_BYTES_MAX) return;
    if (rawNs - this.#noiseNotedRawNs < NOTE_EVERY_NS) return;
    this.#noiseNotedRawNs = rawNs;
    const message = `neither NMEA nor UBX: ${this.#noiseBytes} bytes since the line was opened`;
    this.#options.notes.say('malformed', message, bytes.slice(0, SAMPLE_SIZE_BYTES));
  }
}
