/**
 * Walks a whole journal in JavaScript, damaged or not: every record that is whole, in order, and a
 * gap where one or more are not. The same findings as the native walk (core/fsck/journal-walk).
 */
import { readdirSync } from 'node:fs';

import { decodeEntry, equalBytes, ledgerIdOf, ProofError } from '@kudurru/proof';

import type { Finding } from '../finding.ts';
import { parseGroup } from './group.ts';
import { damageAt, type Position } from './position.ts';
import { findHeld, type HeldRange } from './retired.ts';
import {
  aligned,
  parseSegmentName,
  RECORD_HEADER_BYTES,
  RECORD_TYPE,
  recordBytes,
  Segment,
  SEGMENT_HEADER_BYTES,
  type WholeRecord,
} from './segment.ts';

export type WalkItem =
  | { readonly kind: 'record'; readonly position: Position; readonly record: WholeRecord }
  | { readonly kind: 'gap' };

export class JournalWalk {
  readonly #folder: string;
  readonly #say: (finding: Finding) => void;
  readonly #segments: readonly number[];
  readonly ledgerId: Uint8Array;
  readonly bytesTotal: bigint;
  /** Where the journal begins; of the whole log where that cannot be read. */
  readonly held: HeldRange;
  records = 0n;
  tornBytes = 0n;
  stoppedCleanly = false;
  bytesDone = 0n;
  end: Position;
  #position: Position;

  /** @throws Error where there is no journal */
  constructor(folder: string, say: (finding: Finding) => void) {
    this.#folder = folder;
    this.#say = say;
    this.#segments = readdirSync(folder)
      .map(parseSegmentName)
      .filter((segment) => segment !== null)
      .toSorted((one, other) => one - other);
    const [first] = this.#segments;
    if (first === undefined) throw new Error(`no journal segment in '${folder}'`);
    let total = 0;
    let named: Uint8Array | null = null;
    for (const number of this.#segments) {
      const segment = new Segment(folder, number);
      total += segment.size;
      if (segment.headerProblem === null) named ??= segment.ledgerId;
    }
    const opened = new Segment(folder, first);
    this.bytesTotal = BigInt(total);
    this.held = findHeld(folder, this.#segments);
    this.ledgerId = ledgerOfGenesis(opened) ?? named ?? opened.ledgerId;
    this.#position = { segment: first, offset: SEGMENT_HEADER_BYTES, record: 0n };
    this.end = this.#position;
  }

  *items(): Generator<WalkItem, void, void> {
    for (const [at, number] of this.#segments.entries()) {
      const next = this.#segments[at + 1];
      const segment = this.#open(number, at === 0);
      let isInGap = false;
      for (;;) {
        const record = segment.record(this.#position.offset);
        if (record !== null && record.number === this.#position.record) {
          yield this.#take(record);
          isInGap = false;
          continue;
        }
        const end = segment.writtenEnd(this.#position.offset);
        if (end === this.#position.offset) break;
        const isDamage = next !== undefined || this.#judgeTail(segment, end);
        if (!isDamage) return;
        isInGap = true;
        yield { kind: 'gap' };
        if (next === undefined && this.#isLastRecord(segment)) return;
        const later = this.#passDamage(segment, end);
        if (later === null) continue;
        yield this.#take(later);
        isInGap = false;
      }
      if (next !== undefined && this.#passSealedEnd(next, isInGap)) yield { kind: 'gap' };
    }
  }

  #open(number: number, isFirst: boolean): Segment {
    const segment = new Segment(this.#folder, number);
    const { record } = this.#position;
    const begin = { segment: number, offset: SEGMENT_HEADER_BYTES };
    const first = isFirst ? segment.record(SEGMENT_HEADER_BYTES)?.number : undefined;
    this.#position = { ...begin, record: first ?? record };
    const place = { segment: number, offset: 0, record };
    if (segment.headerProblem !== null) {
      const text = `the header of the segment is damaged: ${segment.headerProblem}`;
      this.#say(damageAt(place, 'segment-header-damaged', text));
    } else if (!equalBytes(segment.ledgerId, this.ledgerId)) {
      this.#say(damageAt(place, 'wrong-ledger', 'the segment belongs to another ledger'));
    }
    return segment;
  }

  #take(record: WholeRecord): WalkItem {
    const { offset, bytes, number, type } = record;
    const { segment } = this.#position;
    const position = { segment, offset, record: number };
    this.records += 1n;
    this.stoppedCleanly = type === RECORD_TYPE.stop;
    this.bytesDone += BigInt(bytes);
    this.#position = { segment, offset: offset + bytes, record: number + 1n };
    this.end = this.#position;
    return { kind: 'record', position, record };
  }

  /** False where the tail is a write that was cut off, or bytes behind a stop record. */
  #judgeTail(segment: Segment, end: number): boolean {
    const { offset, record } = this.#position;
    if (this.stoppedCleanly) {
      const count = end - offset;
      const text = `${count} byte${count === 1 ? '' : 's'} behind the stop record`;
      this.#say(damageAt(this.#position, 'bytes-behind-stop', text));
      return false;
    }
    const later = segment.find(offset, record + 1n);
    if (later !== null && later.durableBefore > record) return true;
    const header = segment.header(offset);
    const size = header === null ? RECORD_HEADER_BYTES : recordBytes(header.length);
    if (later === null && !segment.lacksSector(offset, offset + size)) return true;
    this.tornBytes = BigInt(end - offset);
    return false;
  }

  /** Damage at the very end, with no durable record behind it. */
  #isLastRecord(segment: Segment): boolean {
    const { offset, record } = this.#position;
    const later = segment.find(offset, record + 1n);
    if (later !== null && later.durableBefore > record) return false;
    const text =
      'the last record is damaged: it lacks no sector, so it is no write that was cut off';
    this.#say(damageAt(this.#position, 'record-damaged', text));
    return true;
  }

  #passDamage(segment: Segment, end: number): WholeRecord | null {
    const { offset, record } = this.#position;
    const next = segment.find(offset, record);
    const until = next?.offset ?? end;
    const count = until - offset;
    const text = `${count} byte${count === 1 ? '' : 's'} hold no whole record`;
    this.#say(damageAt(this.#position, 'record-damaged', text));
    this.bytesDone += BigInt(count);
    if (next === null) this.#position = { ...this.#position, offset: aligned(until) };
    return next;
  }

  /** Whether records are missing here. */
  #passSealedEnd(next: number, isInGap: boolean): boolean {
    const { segment, record } = this.#position;
    this.bytesDone += BigInt(SEGMENT_HEADER_BYTES);
    for (let missing = segment + 1; missing < next; missing++) {
      const place = { segment: missing, offset: 0, record };
      this.#say(damageAt(place, 'segment-missing', 'the segment is missing'));
    }
    const { headerProblem, firstRecord } = new Segment(this.#folder, next);
    if (headerProblem !== null || firstRecord === record) return false;
    if (next === segment + 1 && !isInGap) {
      const text =
        `the segment ends before record ${record}, and the next begins with record ` +
        `${firstRecord}`;
      this.#say(damageAt(this.#position, 'record-missing', text));
    }
    const number = firstRecord > record ? firstRecord : record;
    this.#position = { ...this.#position, record: number };
    return true;
  }
}

/** The ledger's id is the hash of what its first entry holds. */
function ledgerOfGenesis(segment: Segment): Uint8Array | null {
  for (let offset = SEGMENT_HEADER_BYTES; ;) {
    const record = segment.record(offset);
    if (record === null) return null;
    offset += record.bytes;
    if (record.type !== RECORD_TYPE.group) continue;
    const [bytes] = parseGroup(record.payload)?.entries ?? [];
    if (bytes === undefined) return null;
    try {
      const entry = decodeEntry(bytes);
      return entry.kind === 'genesis' ? ledgerIdOf(entry.provisioningRecord) : null;
    } catch (error) {
      if (error instanceof ProofError) return null;
      throw error;
    }
  }
}
