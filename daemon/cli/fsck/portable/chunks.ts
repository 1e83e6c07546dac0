/**
 * Large bodies in the journal: a record a chunk, and the list of them in the group whose statement
 * commits to the body (the layouts are those of native/src/core/ledger/chunks.h). They are sealed:
 * what can be checked here is that all of them are there, whole.
 */
import { BODY_SIZE_BYTES_MAX, equalBytes, LARGE_BODY_SIZE_BYTES_MAX } from '@kudurru/proof';

import { isMissingFile } from '../../published-log.ts';
import type { Position } from './position.ts';
import { RECORD_TYPE, Segment } from './segment.ts';

const CHUNK_SIZE_BYTES = 262_144;
const CHUNK_HEADER_BYTES = 44;
const VERSION_WORD = 0x01000000;
const UPLOAD_AT = 12;
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const LIST_HEAD_BYTES = 40;
const PLACE_BYTES = 20;
const CHUNKS_MAX = chunkCount(LARGE_BODY_SIZE_BYTES_MAX);

export interface ChunkList {
  readonly upload: Uint8Array;
  /** Of the whole body, in bytes. */
  readonly length: number;
  readonly places: readonly Position[];
}

interface Chunk {
  readonly number: number;
  readonly count: number;
  readonly upload: Uint8Array;
  readonly sealedBytes: number;
}

/** Null for a payload of another form. */
export function parseChunk(payload: Uint8Array): Chunk | null {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (bytes.length <= CHUNK_HEADER_BYTES + TAG_BYTES) return null;
  if (bytes.readUInt32BE(0) !== VERSION_WORD) return null;
  const [number, count] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8)];
  const sealedBytes = bytes.length - CHUNK_HEADER_BYTES;
  const most = (number === 0 ? SALT_BYTES : 0) + CHUNK_SIZE_BYTES + TAG_BYTES;
  const isNumbered = count >= 2 && count <= CHUNKS_MAX && number < count;
  const isFull = sealedBytes === most || (number + 1 === count && sealedBytes < most);
  if (!isNumbered || !isFull) return null;
  const upload = new Uint8Array(bytes.subarray(UPLOAD_AT, CHUNK_HEADER_BYTES));
  return { number, count, upload, sealedBytes };
}

/** Strict, as the native one: as many places as the body has chunks, in the journal's order. */
export function parseChunkList(bytes: Buffer): ChunkList | null {
  if (bytes.length < LIST_HEAD_BYTES) return null;
  const length = Number(bytes.readBigUInt64BE(32));
  if (length <= BODY_SIZE_BYTES_MAX || length > LARGE_BODY_SIZE_BYTES_MAX) return null;
  if (bytes.length !== LIST_HEAD_BYTES + PLACE_BYTES * chunkCount(length)) return null;
  const places: Position[] = [];
  for (let at = LIST_HEAD_BYTES; at < bytes.length; at += PLACE_BYTES) {
    const place = {
      segment: bytes.readUInt32BE(at),
      offset: Number(bytes.readBigUInt64BE(at + 4)),
      record: bytes.readBigUInt64BE(at + 12),
    };
    const before = places.at(-1);
    if (before !== undefined && !follows(before, place)) return null;
    places.push(place);
  }
  return { upload: new Uint8Array(bytes.subarray(0, 32)), length, places };
}

/** Reads the chunks of lists; one segment is in memory. */
export class ChunkReader {
  readonly #folder: string;
  #number = -1;
  #segment: Segment | null = null;

  /** @param folder the journal's */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is wrong with the first chunk that is not there, in words; null where all are. */
  problemOf(list: ChunkList): string | null {
    for (const [number, place] of list.places.entries()) {
      if (!this.#isThere(list, number, place)) {
        return `chunk ${number} is not whole in record ${place.record} of segment ${place.segment}`;
      }
    }
    return null;
  }

  #isThere(list: ChunkList, number: number, place: Position): boolean {
    const record = this.#open(place.segment)?.record(place.offset) ?? null;
    if (record?.number !== place.record || record.type !== RECORD_TYPE.bodyChunk) return false;
    const chunk = parseChunk(record.payload);
    return (
      chunk?.number === number &&
      chunk.count === list.places.length &&
      chunk.sealedBytes === sealedChunkBytes(list.length, number) &&
      equalBytes(chunk.upload, list.upload)
    );
  }

  #open(number: number): Segment | null {
    if (this.#number === number) return this.#segment;
    this.#number = number;
    try {
      this.#segment = new Segment(this.#folder, number);
      if (this.#segment.headerProblem !== null) this.#segment = null;
    } catch (error) {
      if (!isMissingFile(error)) throw error;
      this.#segment = null;
    }
    return this.#segment;
  }
}

function chunkCount(length: number): number {
  return Math.ceil(length / CHUNK_SIZE_BYTES);
}

function sealedChunkBytes(length: number, number: number): number {
  const salt = number === 0 ? SALT_BYTES : 0;
  return salt + Math.min(CHUNK_SIZE_BYTES, length - number * CHUNK_SIZE_BYTES) + TAG_BYTES;
}

function follows(before: Position, after: Position): boolean {
  const isFurther =
    before.segment === after.segment
      ? before.offset < after.offset
      : before.segment < after.segment;
  return isFurther && before.record < after.record;
}
