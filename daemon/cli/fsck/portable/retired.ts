/**
 * A journal whose first segments were retired: what a record says of them, and their entries, read
 * from the published bundles as if they were groups of the journal, without bodies, each of whole
 * statements. What proves them is the first group that is still there: it continues their chain
 * and gives the root over all. The same as native/src/core/fsck/retired-scan.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatTilePath, TILE_WIDTH, ZERO_HASH } from '@kudurru/proof';

import { isMissingFile } from '../../published-log.ts';
import type { Finding } from '../finding.ts';
import { parseGroup, type Group } from './group.ts';
import { RECORD_TYPE, Segment, SEGMENT_HEADER_BYTES } from './segment.ts';

const AT_ONCE_MAX = 512;
const PATH_BYTES_MAX = 4096;
const HEAD_BYTES = 30;
const HASH_BYTES = 32;
const ACTION_KIND = 7; // native/src/core/entry/entry.h
const VERSION_WORD = 0x01000000;

/** What the journal begins with; all zero where nothing is missing. */
export interface HeldRange {
  readonly firstSegment: number;
  readonly firstIndex: bigint;
  readonly firstRecord: bigint;
}

/** The first of the journal that stays, by a record of a retirement. */
export interface RetiredMark {
  readonly nextSegment: number;
  readonly firstIndex: bigint;
  readonly firstRecord: bigint;
}

export const WHOLE: HeldRange = { firstSegment: 0, firstIndex: 0n, firstRecord: 0n };

/** Null for bytes of another form; the layout is that of native/src/core/ledger/retired.h. */
export function parseRetired(payload: Uint8Array): RetiredMark | null {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (bytes.length < HEAD_BYTES || bytes.readUInt32BE(0) !== VERSION_WORD) return null;
  const [firstSegment, count] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8)];
  const pathBytes = bytes.readUInt16BE(28);
  const isBounded = count > 0 && count <= AT_ONCE_MAX && firstSegment + count <= 0xffffffff;
  if (!isBounded || pathBytes === 0 || pathBytes > PATH_BYTES_MAX) return null;
  if (bytes.length !== HEAD_BYTES + pathBytes + count * HASH_BYTES) return null;
  return {
    nextSegment: firstSegment + count,
    firstIndex: bytes.readBigUInt64BE(12),
    firstRecord: bytes.readBigUInt64BE(20),
  };
}

/** Whether what is missing before `held` is of what the mark lets go. */
export function allows(mark: RetiredMark, held: HeldRange): boolean {
  if (held.firstSegment < mark.nextSegment) return held.firstIndex <= mark.firstIndex;
  return (
    held.firstSegment === mark.nextSegment &&
    held.firstIndex === mark.firstIndex &&
    held.firstRecord === mark.firstRecord
  );
}

/** Of the whole log where it cannot be read. @param folder the journal's */
export function findHeld(folder: string, segments: readonly number[]): HeldRange {
  const [firstSegment = 0] = segments;
  if (firstSegment === 0) return WHOLE;
  const { firstRecord, headerProblem } = new Segment(folder, firstSegment);
  if (headerProblem !== null) return WHOLE;
  for (const number of segments) {
    const segment = new Segment(folder, number);
    let offset = SEGMENT_HEADER_BYTES;
    for (let record = segment.record(offset); record !== null; record = segment.record(offset)) {
      offset += record.bytes;
      if (record.type !== RECORD_TYPE.group) continue;
      const group = parseGroup(record.payload);
      return group === null ? WHOLE : { firstSegment, firstIndex: group.firstIndex, firstRecord };
    }
    if (segment.writtenEnd(offset) > offset) return WHOLE;
  }
  return WHOLE;
}

interface Held {
  readonly bytes: Uint8Array;
  readonly place: NonNullable<Group['places']>[number];
}

/** Groups of the entries below `end`; null where a bundle is not whole, which `say` is told of. */
export function* retiredGroups(
  state: string,
  end: bigint,
  say: (finding: Finding) => void,
): Generator<Group | null, void, void> {
  let held: Held[] = [];
  let first = 0n;
  for (let index = 0n; index < end; index += BigInt(TILE_WIDTH)) {
    const bundle = readBundle(state, index, say);
    if (bundle === null) {
      yield null;
      held = [];
      first = index + BigInt(TILE_WIDTH);
      continue;
    }
    const asked = end - index < BigInt(TILE_WIDTH) ? Number(end - index) : TILE_WIDTH;
    held.push(...bundle.slice(0, asked));
    const isLast = first + BigInt(held.length) === end;
    const cut = isLast ? held.length : held.findLastIndex(({ bytes }) => !isAction(bytes));
    if (cut <= 0) continue;
    yield groupOf(first, held.slice(0, cut));
    held = held.slice(cut);
    first += BigInt(cut);
  }
}

function groupOf(firstIndex: bigint, held: readonly Held[]): Group {
  return {
    ...{ firstIndex, root: ZERO_HASH, bodies: [], offsets: [] },
    entries: held.map(({ bytes }) => bytes),
    places: held.map(({ place }) => place),
  };
}

/** By the first bytes: array head, version, kind. */
function isAction(bytes: Uint8Array): boolean {
  return bytes[2] === ACTION_KIND;
}

function readBundle(
  state: string,
  index: bigint,
  say: (finding: Finding) => void,
): readonly Held[] | null {
  const place = { level: 'entries', index: index / BigInt(TILE_WIDTH), width: TILE_WIDTH } as const;
  const file = formatTilePath(place);
  const bytes = readIfThere(join(state, file));
  const held: Held[] = [];
  let at = 0;
  while (bytes !== null && bytes.length - at >= 2 && held.length < TILE_WIDTH) {
    const next = at + 2 + bytes.readUInt16BE(at);
    if (next > bytes.length) break;
    const place = { file, offset: BigInt(at + 2) };
    held.push({ bytes: new Uint8Array(bytes.subarray(at + 2, next)), place });
    at = next;
  }
  if (held.length === TILE_WIDTH && at === bytes?.length) return held;
  const message =
    bytes === null
      ? 'the entries were retired, and the file is not there'
      : 'the bundle does not hold 256 entries, which were retired';
  say({
    weight: 'damage',
    code: bytes === null ? 'bundle-missing' : 'bundle-malformed',
    file,
    offset: BigInt(at),
    record: null,
    entry: index + BigInt(Math.min(held.length, TILE_WIDTH - 1)),
    message,
  });
  return null;
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
}
