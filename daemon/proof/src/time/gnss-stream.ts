/**
 * Cuts what a receiver sends into NMEA sentences and UBX frames, however the line delivers it. What
 * is neither is given too, as `noise`, so that every byte is accounted for once and in order. A UBX
 * header whose checksum does not follow is noise, so that a frame behind it is not swallowed. Holds
 * at most one unfinished frame: memory is bounded whatever comes.
 */
import { concatBytes } from '../bytes.ts';
import { NMEA_SENTENCE_SIZE_BYTES_MAX } from './nmea.ts';
import {
  ubxChecksum,
  UBX_HEADER_SIZE_BYTES,
  UBX_OVERHEAD_SIZE_BYTES,
  UBX_PAYLOAD_SIZE_BYTES_MAX,
  UBX_SYNC_1,
  UBX_SYNC_2,
} from './ubx-frame.ts';

/** One piece of the stream; what a framed one holds the parser tells. */
export interface GnssPiece {
  readonly kind: 'nmea' | 'ubx' | 'noise';
  readonly bytes: Uint8Array;
}

/** Bytes that wait for the rest of their frame. */
export const GNSS_PENDING_SIZE_BYTES_MAX = UBX_PAYLOAD_SIZE_BYTES_MAX + UBX_OVERHEAD_SIZE_BYTES;

const DOLLAR = 0x24;
const [CR, LF] = [0x0d, 0x0a];

/** Whether a frame ends here: its length, `more` to wait, or null where none begins. */
type Extent = number | 'more' | null;

export class GnssSplitter {
  #pending: Uint8Array = new Uint8Array(0);

  /** The pieces that end within `chunk`, in order. Their bytes are copies. */
  push(chunk: Uint8Array): GnssPiece[] {
    const bytes = concatBytes(this.#pending, chunk);
    const pieces: GnssPiece[] = [];
    let at = 0;
    let noiseFrom = 0;
    const endNoise = (): void => {
      if (noiseFrom < at) pieces.push({ kind: 'noise', bytes: bytes.slice(noiseFrom, at) });
    };
    while (at < bytes.length) {
      const extent = extentAt(bytes, at);
      if (extent === 'more') break;
      if (extent === null) {
        at += 1;
        continue;
      }
      endNoise();
      const kind = bytes[at] === DOLLAR ? 'nmea' : 'ubx';
      pieces.push({ kind, bytes: bytes.slice(at, at + extent) });
      at += extent;
      noiseFrom = at;
    }
    endNoise();
    this.#pending = bytes.slice(at);
    return pieces;
  }

  /** What waits for its rest: it will not come, or nobody will wait for it. */
  end(): GnssPiece[] {
    const bytes = this.#pending;
    this.#pending = new Uint8Array(0);
    return bytes.length === 0 ? [] : [{ kind: 'noise', bytes }];
  }
}

function extentAt(bytes: Uint8Array, at: number): Extent {
  if (bytes[at] === DOLLAR) return sentenceAt(bytes, at);
  if (bytes[at] === UBX_SYNC_1) return frameAt(bytes, at);
  return null;
}

function sentenceAt(bytes: Uint8Array, at: number): Extent {
  const end = Math.min(bytes.length, at + NMEA_SENTENCE_SIZE_BYTES_MAX);
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === LF) return bytes[i - 1] === CR ? i + 1 - at : null;
    const isText = byte >= 0x20 && byte <= 0x7e && byte !== DOLLAR;
    // CR has to be followed by LF, which the next round sees.
    if (!isText && byte !== CR) return null;
    if (bytes[i - 1] === CR) return null;
  }
  return end - at === NMEA_SENTENCE_SIZE_BYTES_MAX ? null : 'more';
}

function frameAt(bytes: Uint8Array, at: number): Extent {
  const left = bytes.length - at;
  if (left > 1 && bytes[at + 1] !== UBX_SYNC_2) return null;
  if (left < UBX_HEADER_SIZE_BYTES) return 'more';
  const length = (bytes[at + 4] ?? 0) | ((bytes[at + 5] ?? 0) << 8);
  if (length > UBX_PAYLOAD_SIZE_BYTES_MAX) return null;
  const extent = length + UBX_OVERHEAD_SIZE_BYTES;
  if (left < extent) return 'more';
  const end = at + extent - 2;
  const written = ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0);
  return ubxChecksum(bytes.subarray(at + 2, end)) === written ? extent : null;
}
