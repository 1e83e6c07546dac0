/**
 * The broker's end of the pipe to its parent. Bounded: while the parent does not read, records are
 * dropped and counted, and it is told how many once it reads again.
 */
import type { Writable } from 'node:stream';

import { encodeTimeNote, encodeTimeRecord } from '@kudurru/proof';
import type { TimeNoteCode, TimeRecord } from '@kudurru/proof';

/** Some minutes of polling. */
const WAITING_BYTES_MAX = 1 << 20;
/** A message is cut to what a note holds. */
const MESSAGE_SIZE_MAX = 900;

export interface NoteDetails {
  readonly message: string;
  readonly bytes?: Uint8Array;
  /** When: the clocks of a datagram, or none. */
  readonly at: Pick<TimeRecord, 'rawBeforeNs' | 'rawAfterNs' | 'clockNs'>;
}

export class RecordPipe {
  readonly #out: Writable;
  #dropped = 0;

  constructor(out: Writable) {
    this.#out = out;
  }

  frame(record: TimeRecord): void {
    if (this.#out.writableLength > WAITING_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.note('dropped', { message: `${dropped} records`, at: record });
    this.#out.write(encodeTimeRecord(record));
  }

  note(code: TimeNoteCode, { message, bytes, at }: NoteDetails): void {
    const { rawBeforeNs, rawAfterNs, clockNs } = at;
    const note = { code, message: message.slice(0, MESSAGE_SIZE_MAX), bytes: bytes ?? null };
    this.frame({
      ...{ kind: 'note', rawBeforeNs, rawAfterNs, clockNs },
      bytes: encodeTimeNote(note),
    });
  }
}
