/**
 * What the processes that read clocks hand to the daemon over a pipe: records, each the four bytes
 * of its length, most significant first, and the CBOR array `[1, kind, rawBeforeNs, rawAfterNs,
 * clockNs, bytes]`. `kind` is a place in TIME_FRAME_KINDS, counted from 1.
 *
 * A record of kind `note` says what became of the source; its bytes are the CBOR array
 * `[code, message, bytes]`, where bytes is what was found at fault, or null.
 */
import { concatBytes, viewOf } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';
import type { ShapeType } from '../schema.ts';
import {
  bytes,
  constant,
  decodeWith,
  encodeWith,
  names,
  nanoseconds,
  nullable,
  Place,
  record,
  text,
} from '../schema.ts';
import { TIME_FRAME_KINDS, TIME_FRAME_SIZE_BYTES_MAX } from './raw-time-evidence.ts';

const LENGTH_SIZE_BYTES = 4;
/** Beside the bytes: five integers, and heads of CBOR. */
const OVERHEAD_BYTES_MAX = 64;
const RECORD_SIZE_BYTES_MAX = TIME_FRAME_SIZE_BYTES_MAX + OVERHEAD_BYTES_MAX;
/** With code and message, a note with a whole datagram is a frame still. */
const NOTE_MESSAGE_SIZE_MAX = 1000;
const NOTE_BYTES_MAX = 2048;

/** What can become of a source; the first four are of every source. */
export const TIME_NOTE_CODES = [
  /** The process has begun; the message says how it reads. */
  'started',
  /** Nothing came for longer than its configuration allows. */
  'stall',
  /** Frames were lost between the source and the process. */
  'dropped',
  /** The source spoke what cannot be read; the bytes are it. */
  'malformed',
  /** PTP: the socket of ptp4l is not there, or nobody answers on it. */
  'socket-gone',
  /** PTP: the socket is there, and this process may not use it. */
  'socket-denied',
  /** PTP: the socket, or what came from it, belongs to somebody else. */
  'socket-impostor',
  /** PTP: a message that answers nothing that was asked; the bytes are it. */
  'forged-response',
  /** PTP: ptp4l was started anew: its counters began again, or it is another clock. */
  'restarted',
  /** PTP: the protocol's minor version, or the socket in use, is another than before. */
  'version-changed',
  /** What was asked is refused, now or always; reading goes on without. */
  'not-supported',
  /** A receiver's port went away. */
  'unplugged',
  /** The source is there again. */
  'back',
  /** GNSS: more came than the line can carry; what is above is dropped. */
  'flood',
] as const;
export type TimeNoteCode = (typeof TIME_NOTE_CODES)[number];

const recordShape = {
  version: constant(1),
  kind: names(1, TIME_FRAME_KINDS),
  /** CLOCK_MONOTONIC_RAW before and after it came. */
  rawBeforeNs: nanoseconds,
  rawAfterNs: nanoseconds,
  /** CLOCK_REALTIME between the two; null where it was not asked. */
  clockNs: nullable(nanoseconds),
  bytes: bytes(0, TIME_FRAME_SIZE_BYTES_MAX),
};
const noteShape = {
  code: names(1, TIME_NOTE_CODES),
  message: text(0, NOTE_MESSAGE_SIZE_MAX),
  bytes: nullable(bytes(0, NOTE_BYTES_MAX)),
};
const recordCodec = record(recordShape);
const noteCodec = record(noteShape);
const recordPlace = new Place('time-malformed', 'time record');
const notePlace = new Place('time-malformed', 'time note');

export type TimeRecord = Omit<ShapeType<typeof recordShape>, 'version'>;
export type TimeNote = ShapeType<typeof noteShape>;

/** With its length in front. @throws ProofError `time-malformed`, `limit-exceeded` */
export function encodeTimeRecord(value: TimeRecord): Uint8Array {
  const encoded = encodeWith(recordCodec, { version: 1, ...value }, recordPlace);
  const length = new Uint8Array(LENGTH_SIZE_BYTES);
  viewOf(length).setUint32(0, encoded.length);
  return concatBytes(length, encoded);
}

/** @throws ProofError `time-malformed`, `limit-exceeded` */
export function encodeTimeNote(note: TimeNote): Uint8Array {
  return encodeWith(noteCodec, note, notePlace);
}

/** @throws ProofError `time-malformed`, `cbor-malformed`, `limit-exceeded` */
export function decodeTimeNote(encoded: Uint8Array): TimeNote {
  return decodeWith(noteCodec, encoded, notePlace);
}

/** Takes the stream in pieces of any length; holds less than one record. */
export class TimeRecordSplitter {
  #pending: Uint8Array = new Uint8Array(0);

  /**
   * The records that `piece` completes. Nothing after an error can be trusted.
   * @throws ProofError `time-malformed`, `cbor-malformed`, `limit-exceeded`
   */
  push(piece: Uint8Array): TimeRecord[] {
    const all = concatBytes(this.#pending, piece);
    const view = viewOf(all);
    const records: TimeRecord[] = [];
    let at = 0;
    while (all.length - at >= LENGTH_SIZE_BYTES) {
      const length = view.getUint32(at);
      if (length > RECORD_SIZE_BYTES_MAX) {
        throw new ProofError('limit-exceeded', `time record: ${length} bytes`);
      }
      const end = at + LENGTH_SIZE_BYTES + length;
      if (end > all.length) break;
      const found = decodeWith(recordCodec, all.slice(at + LENGTH_SIZE_BYTES, end), recordPlace);
      const { version: _, ...rest } = found;
      records.push(rest);
      at = end;
    }
    this.#pending = all.slice(at);
    return records;
  }
}
