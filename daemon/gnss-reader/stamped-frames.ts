/**
 * Frames of the line with the time of each: from when its first byte can have come at the earliest
 * until its last byte was read.
 */
import { GnssSplitter, type GnssPiece } from '@kudurru/proof';

import type { HeardBytes } from './serial-line.ts';

export interface StampedPiece extends GnssPiece {
  readonly sinceRawNs: bigint;
}

/** Where in the stream some bytes begin, and since when they can have come. */
interface Arrival {
  readonly from: number;
  readonly sinceRawNs: bigint;
}

export class StampedFrames {
  readonly #splitter = new GnssSplitter();
  /** Of the bytes that wait for the rest of their frame: at most one for each of them. */
  #arrivals: Arrival[] = [];
  #heard = 0;
  #given = 0;

  /** The pieces that end within what was heard, in order. */
  push({ bytes, sinceRawNs }: Pick<HeardBytes, 'bytes' | 'sinceRawNs'>): StampedPiece[] {
    this.#arrivals.push({ from: this.#heard, sinceRawNs });
    this.#heard += bytes.length;
    return this.#splitter.push(bytes).map((piece) => this.#stamp(piece));
  }

  /** What waits for its rest: it will not come. */
  end(): StampedPiece[] {
    return this.#splitter.end().map((piece) => this.#stamp(piece));
  }

  #stamp(piece: GnssPiece): StampedPiece {
    const at = this.#arrivals.findLastIndex(({ from }) => from <= this.#given);
    this.#arrivals = this.#arrivals.slice(at);
    this.#given += piece.bytes.length;
    return { ...piece, sinceRawNs: this.#arrivals[0]?.sinceRawNs ?? 0n };
  }
}
