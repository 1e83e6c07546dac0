/**
 * What the sources of time have said lately, byte by byte: a bounded ring for each, from which
 * evidence is made. Notes that only inform are told and not kept.
 */
import {
  decodeTimeNote,
  RAW_TIME_EVIDENCE_SIZE_BYTES_MAX,
  TIME_FRAMES_MAX,
  type TimeFrame,
  type TimeNoteCode,
  type TimeRecord,
} from '@kudurru/proof';

/** Of all sources together, with room for what each frame costs besides its bytes. */
const FRAME_OVERHEAD_BYTES = 48;
const FRAMES_SIZE_BYTES_MAX = RAW_TIME_EVIDENCE_SIZE_BYTES_MAX - 1024;

const INFORMING: ReadonlySet<TimeNoteCode> = new Set([
  'started',
  'back',
  'version-changed',
  'not-supported',
]);

export interface HeardNote {
  readonly code: TimeNoteCode;
  readonly message: string;
}

export class HeardFrames {
  readonly #keepNs: bigint;
  #frames: TimeFrame[] = [];
  #countsFromNs = 0n;

  /** @param keepNs how long a frame is kept, by CLOCK_MONOTONIC_RAW */
  constructor(keepNs: bigint) {
    this.#keepNs = keepNs;
  }

  /** The note that it is, if it is one. @throws ProofError of a note of no form */
  hear(source: number, record: TimeRecord): HeardNote | null {
    if (record.kind !== 'note') {
      this.#keep({ source, ...record });
      return null;
    }
    const { code, message } = decodeTimeNote(record.bytes);
    if (!INFORMING.has(code)) this.keepNote(source, code, record);
    return { code, message };
  }

  /** What came before does not count any more, though it be handed on later. */
  forgetBefore(rawNs: bigint): void {
    this.#countsFromNs = rawNs;
    this.#frames = this.#frames.filter(({ rawBeforeNs }) => rawBeforeNs >= rawNs);
  }

  keepNote(source: number, code: string, at: Omit<TimeRecord, 'kind' | 'bytes'>): void {
    this.#keep({ source, ...at, kind: 'note', bytes: new TextEncoder().encode(code) });
  }

  /** With the daemon's own reading last: silence shows against it. */
  until(own: TimeFrame): readonly TimeFrame[] {
    this.#forget(own.rawAfterNs);
    const frames = [...this.#frames.filter(({ rawAfterNs }) => rawAfterNs <= own.rawAfterNs), own];
    let sizeBytes = 0;
    // The newest that fit: without the oldest a source has been heard for too short a time.
    const first = frames.findLastIndex(({ bytes }, index) => {
      sizeBytes += bytes.length + FRAME_OVERHEAD_BYTES;
      return sizeBytes > FRAMES_SIZE_BYTES_MAX || frames.length - index > TIME_FRAMES_MAX;
    });
    return frames.slice(first + 1);
  }

  #keep(frame: TimeFrame): void {
    if (frame.rawBeforeNs < this.#countsFromNs) return;
    // Processes hand on what they heard in their own order: between two of them it may be another.
    let place = this.#frames.length;
    while (place > 0 && (this.#frames[place - 1]?.rawAfterNs ?? 0n) > frame.rawAfterNs) place -= 1;
    this.#frames.splice(place, 0, frame);
    if (this.#frames.length > TIME_FRAMES_MAX) this.#frames.shift();
    this.#forget(frame.rawAfterNs);
  }

  #forget(nowNs: bigint): void {
    const keepFrom = this.#frames.findIndex(({ rawAfterNs }) => rawAfterNs >= nowNs - this.#keepNs);
    this.#frames = keepFrom < 0 ? [] : this.#frames.slice(keepFrom);
  }
}
