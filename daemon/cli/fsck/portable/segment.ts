/**
 * One journal segment read in JavaScript (the layout is that of native/src/core/journal/segment.h):
 * records where they should be and, behind damage, where the next whole one is.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { crc32c } from './crc32c.ts';

export const SEGMENT_HEADER_BYTES = 4096;
export const RECORD_HEADER_BYTES = 40;
export const RECORD_TYPE = {
  group: 1,
  checkpoint: 2,
  prepare: 3,
  scopeKey: 4,
  stop: 5,
  bodyChunk: 6,
  retired: 7,
} as const;

const ALIGNMENT = 8;
const SECTOR_BYTES = 512;
const MAGIC = Buffer.from('KUDURRUJ');
const RECORD_MAGIC = 0x4b726563; // "Krec"
const VERSION = 1;
const TYPE_MAX = RECORD_TYPE.retired;

export interface RecordHeader {
  readonly type: number;
  readonly length: number;
  readonly payloadChecksum: number;
  readonly number: bigint;
  readonly durableBefore: bigint;
}

export interface WholeRecord extends RecordHeader {
  readonly offset: number;
  readonly bytes: number;
  readonly payload: Uint8Array;
}

export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.journal`;
}

/** Null for the name of another file. */
export function parseSegmentName(name: string): number | null {
  const [, digits = ''] = /^(\d{8,10})\.journal$/u.exec(name) ?? [];
  return digits !== '' && segmentName(Number(digits)) === name ? Number(digits) : null;
}

export class Segment {
  readonly ledgerId: Uint8Array;
  readonly firstRecord: bigint;
  /** What is wrong with the header; null when it is whole. */
  readonly headerProblem: string | null;
  readonly #bytes: Buffer;
  readonly #seed: number;

  constructor(folder: string, segment: number) {
    this.#bytes = readFileSync(join(folder, segmentName(segment)));
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    this.#bytes.copy(header);
    this.headerProblem = problemOf(header, this.#bytes.length, segment);
    this.firstRecord = header.readBigUInt64BE(16);
    this.ledgerId = new Uint8Array(header.subarray(24, 56));
    this.#seed = crc32c(header.subarray(56, 72));
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** Null unless it is whole. */
  header(offset: number): RecordHeader | null {
    if (offset + RECORD_HEADER_BYTES > this.#bytes.length) return null;
    const bytes = this.#bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
    if (bytes.readUInt32BE(0) !== RECORD_MAGIC) return null;
    const type = bytes.readUInt8(4);
    const isPadded = bytes.readUIntBE(5, 3) === 0 && bytes.readUInt32BE(36) === 0;
    if (type === 0 || type > TYPE_MAX || !isPadded) return null;
    if (crc32c(bytes.subarray(0, 32), this.#seed) !== bytes.readUInt32BE(32)) return null;
    return {
      type,
      length: bytes.readUInt32BE(8),
      payloadChecksum: bytes.readUInt32BE(12),
      number: bytes.readBigUInt64BE(16),
      durableBefore: bytes.readBigUInt64BE(24),
    };
  }

  record(offset: number): WholeRecord | null {
    const header = this.header(offset);
    if (header === null) return null;
    const bytes = recordBytes(header.length);
    if (offset + bytes > this.#bytes.length) return null;
    const begin = offset + RECORD_HEADER_BYTES;
    const payload = this.#bytes.subarray(begin, begin + header.length);
    const padding = this.#bytes.subarray(begin + header.length, offset + bytes);
    if (crc32c(payload, this.#seed) !== header.payloadChecksum) return null;
    return isZero(padding) ? { ...header, offset, bytes, payload } : null;
  }

  /** The first whole record from `offset` on with at least this number. */
  find(offset: number, numberMin: bigint): WholeRecord | null {
    for (let at = offset; at + RECORD_HEADER_BYTES <= this.#bytes.length; at += ALIGNMENT) {
      const record = this.record(at);
      if (record !== null && record.number >= numberMin) return record;
    }
    return null;
  }

  /** Behind the last byte that is not zero; `offset` where there is none. */
  writtenEnd(offset: number): number {
    let end = this.#bytes.length;
    while (end > offset && this.#bytes[end - 1] === 0) end--;
    return Math.max(end, offset);
  }

  /** Some sector, or the part of it in this range, is all zeros: a write that was cut off. */
  lacksSector(offset: number, end: number): boolean {
    if (end > this.#bytes.length) return true;
    for (let at = offset; at < end;) {
      const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      if (isZero(this.#bytes.subarray(at, next))) return true;
      at = next;
    }
    return false;
  }
}

export function recordBytes(payloadBytes: number): number {
  return aligned(RECORD_HEADER_BYTES + payloadBytes);
}

export function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function problemOf(header: Buffer, size: number, segment: number): string | null {
  if (size < SEGMENT_HEADER_BYTES) return 'segment header is cut short';
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) {
    return 'not a journal segment: wrong first bytes';
  }
  const end = SEGMENT_HEADER_BYTES - 4;
  if (crc32c(header.subarray(0, end)) !== header.readUInt32BE(end)) {
    return 'segment header does not match its checksum';
  }
  const version = header.readUInt32BE(8);
  if (version !== VERSION) return `journal format version ${version} is not known`;
  const named = header.readUInt32BE(12);
  return named === segment ? null : `the header names segment ${named}`;
}
