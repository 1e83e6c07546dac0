/**
 * A reading process's end of the pipe to the daemon. Bounded: while nobody reads the other end,
 * records are dropped and counted, and it is told how many once they are taken again.
 */
import type { TimeNoteCode, TimeRecord } from './time-stream.ts';
import { encodeTimeNote, encodeTimeRecord } from './time-stream.ts';

/** Some minutes of a source. */
const WAITING_SIZE_BYTES_MAX = 1 << 20;
/** A message is cut to what a note holds. */
const MESSAGE_SIZE_MAX = 900;

/** The pipe: a stream of Node, as far as it is used. */
export interface TimeRecordSink {
  /** Bytes that wait to be taken. */
  readonly writableLength: number;
  write(bytes: Uint8Array): unknown;
}

export interface TimeNoteDetails {
  readonly message: string;
  readonly bytes?: Uint8Array;
  /** When: the clocks of a frame, or of now. */
  readonly at: Pick<TimeRecord, 'rawBeforeNs' | 'rawAfterNs' | 'clockNs'>;
}

export class TimeRecordWriter {
  readonly #sink: TimeRecordSink;
  #dropped = 0;

  constructor(sink: TimeRecordSink) {
    this.#sink = sink;
  }

  frame(record: TimeRecord): void {
    if (this.#sink.writableLength > WAITING_SIZE_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.note('dropped', { message: `${dropped} records`, at: record });
    this.#sink.write(encodeTimeRecord(record));
  }

  note(code: TimeNoteCode, { message, bytes, at }: TimeNoteDetails): void {
    const { rawBeforeNs, rawAfterNs, clockNs } = at;
    const note = { code, message: message.slice(0, MESSAGE_SIZE_MAX), bytes: bytes ?? null };
    this.frame({
      ...{ kind: 'note', rawBeforeNs, rawAfterNs, clockNs },
      bytes: encodeTimeNote(note),
    });
  }
}
