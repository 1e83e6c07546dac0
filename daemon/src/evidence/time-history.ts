/**
 * What the log says of its own time: every piece of time evidence, in time-evidence entries and in
 * anchors, newest first and a page at a time. Published bundles say where they stand; each is read
 * again from the ledger. Time never goes back in a log, so a range of time is a range of entries.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  decodeAnyTimeEvidence,
  decodeEntry,
  decodeOperatorOrder,
  decodeTimeProfile,
  formatTai,
  readSegment,
  TILE_WIDTH,
  TileReader,
  TIME_LEVELS,
  type Entry,
  type SourcedTimeEvidence,
  type TimeProfile,
} from '@kudurru/proof';

import {
  timeHistoryEntriesMax,
  timeHistoryRowsDefault,
  timeHistoryRowsMax,
} from '../base/limits.ts';
import { leafIndex, type TreeSize } from '../base/units.ts';
import type { LedgerReader } from './ledger-reader.ts';
import { integerOf, memberOf, takeAll, timeOf } from './query-fields.ts';

export interface TimeHistoryQuery {
  readonly sinceTaiNs: bigint | null;
  readonly untilTaiNs: bigint | null;
  readonly level: string | null;
  /** Only entries below this index: the next page. */
  readonly before: number | null;
  readonly limit: number;
}

/** Nanoseconds are decimal text; windows are half widths, null where nothing bounds them. */
export interface TimeHistoryRow {
  readonly index: number;
  readonly kind: 'time-evidence' | 'anchor' | 'counter-anchor';
  /** Of the entry. */
  readonly taiNs: string;
  readonly utc: string;
  /** Why it was made; null of evidence of version 1, which says nothing of it. */
  readonly cause: string | null;
  /** When it was taken. */
  readonly level: string;
  readonly statisticalNs: string | null;
  readonly adversarialNs: string | null;
  /** What comes of it later: null of version 1. */
  readonly later: {
    readonly statisticalGrowthPpb: string;
    readonly adversarialGrowthPpb: string;
    /** From then on the level is at most HOLDOVER, and DEGRADED; negative where that is past. */
    readonly lockedForNs: string;
    readonly holdoverForNs: string;
    readonly widthMaxNs: string;
  } | null;
  readonly groups: number;
  readonly liars: number;
  /** Of the time profile's entry; null of version 1. */
  readonly profileIndex: number | null;
  readonly sources: readonly {
    readonly id: string;
    readonly state: string;
    readonly problems: readonly string[];
    /** Those of them that stay until operators sign another time profile. */
    readonly latched: readonly string[];
  }[];
}

export interface TimeHistoryAnswer {
  readonly rows: readonly TimeHistoryRow[];
  /** `before` of the next page; null when this is the last one. */
  readonly next: number | null;
}

export interface TimeHistorySource {
  /** Holds `tile/`. */
  readonly state: string;
  readonly ledger: Pick<LedgerReader, 'readEntry'>;
  /** Of a published tree. */
  readonly size: TreeSize;
}

const NAMES = ['since', 'until', 'level', 'before', 'limit'];

/** Kinds that hold time evidence, as the third byte of an entry (SPEC.md §7). */
const EVIDENCE_KIND_BYTES: ReadonlySet<number | undefined> = new Set([3, 18, 19]);
const KIND_BYTE = 2;

/** @throws KudurruError `request-malformed` */
export function parseTimeHistoryQuery(query: URLSearchParams): TimeHistoryQuery {
  const given = takeAll(query, NAMES);
  const text = (name: string): string | null => given.get(name) ?? null;
  const level = memberOf('level', text('level'), TIME_LEVELS);
  return {
    sinceTaiNs: timeOf('since', text('since')),
    untilTaiNs: timeOf('until', text('until')),
    level: level === null ? null : (TIME_LEVELS[level - 1] ?? null),
    before: integerOf('before', text('before'), Number.MAX_SAFE_INTEGER),
    limit: integerOf('limit', text('limit'), timeHistoryRowsMax) ?? timeHistoryRowsDefault,
  };
}

export async function findTimeHistory(
  asked: TimeHistoryQuery,
  source: TimeHistorySource,
): Promise<TimeHistoryAnswer> {
  const size = Number(source.size);
  const { sinceTaiNs, untilTaiNs, before } = asked;
  const first = sinceTaiNs === null ? 0 : await firstFrom(sinceTaiNs, source);
  const until = untilTaiNs === null ? size : await firstFrom(untilTaiNs, source);
  const end = Math.min(until, before ?? size);
  const floor = Math.max(first, end - timeHistoryEntriesMax);
  const rows: TimeHistoryRow[] = [];
  const maker = new RowMaker(source);
  for await (const index of placesDown(floor, end, source)) {
    const row = await maker.make(index);
    if (row === null || (asked.level !== null && row.level !== asked.level)) continue;
    if (rows.length === asked.limit) return { rows, next: rows.at(-1)?.index ?? end };
    rows.push(row);
  }
  return { rows, next: floor > first ? floor : null };
}

/** The first entry that is not of before; the size where all are. */
async function firstFrom(taiNs: bigint, { ledger, size }: TimeHistorySource): Promise<number> {
  let low = 0;
  let high = Number(size);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { time } = decodeEntry(await ledger.readEntry(leafIndex(BigInt(middle))));
    if (time.taiNs < taiNs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Indexes of what seems to be time evidence, from the newest down. */
async function* placesDown(
  floor: number,
  end: number,
  source: TimeHistorySource,
): AsyncGenerator<number, void, void> {
  const { state, ledger, size } = source;
  const tiles = new TileReader((path) => readFile(join(state, path)), size);
  let top = end;
  while (top > floor) {
    const bottom = Math.max(floor, top - 1 - ((top - 1) % TILE_WIDTH));
    const kinds = await kindBytes(tiles, [bottom, top]);
    for (let index = top - 1; index >= bottom; index -= 1) {
      // A bundle that cannot be read: every entry of it is asked for.
      const kind = kinds === null ? await kindByteOf(index, ledger) : kinds[index - bottom];
      if (EVIDENCE_KIND_BYTES.has(kind)) yield index;
    }
    top = bottom;
  }
}

/** Null where the bundle is missing, or not of its form: the ledger has what it held. */
async function kindBytes(
  tiles: TileReader,
  [bottom, top]: readonly [number, number],
): Promise<readonly (number | undefined)[] | null> {
  const kinds: (number | undefined)[] = [];
  try {
    for await (const entry of tiles.entries(BigInt(bottom), BigInt(top))) {
      kinds.push(entry[KIND_BYTE]);
    }
  } catch {
    return null;
  }
  return kinds.length === top - bottom ? kinds : null;
}

async function kindByteOf(
  index: number,
  ledger: TimeHistorySource['ledger'],
): Promise<number | undefined> {
  return (await ledger.readEntry(leafIndex(BigInt(index))))[KIND_BYTE];
}

class RowMaker {
  readonly #ledger: TimeHistorySource['ledger'];
  readonly #profiles = new Map<bigint, Promise<TimeProfile | null>>();

  constructor({ ledger }: TimeHistorySource) {
    this.#ledger = ledger;
  }

  /** Null where the entry is of another kind. */
  async make(index: number): Promise<TimeHistoryRow | null> {
    const entry = await this.#read(BigInt(index));
    const { kind } = entry;
    if (kind !== 'time-evidence' && kind !== 'anchor' && kind !== 'counter-anchor') return null;
    const { taiNs } = entry.time;
    const head = { index, kind, taiNs: String(taiNs), utc: formatTai(taiNs) };
    const told = decodeAnyTimeEvidence(entry.evidence);
    return { ...head, ...(told.version === 1 ? UNBOUNDED : await this.#sourced(told)) };
  }

  async #sourced(told: SourcedTimeEvidence): Promise<Omit<TimeHistoryRow, keyof RowHead>> {
    const { segment, takenRawNs, verdicts, profileIndex } = told;
    const { level, statisticalNs, adversarialNs } = readSegment(segment, takenRawNs, 0n);
    const profile = await this.#profileAt(profileIndex);
    return {
      cause: told.cause,
      level,
      statisticalNs: textOf(statisticalNs),
      adversarialNs: textOf(adversarialNs),
      later: {
        statisticalGrowthPpb: String(segment.statisticalGrowthPpb),
        adversarialGrowthPpb: String(segment.adversarialGrowthPpb),
        lockedForNs: String(segment.lockedUntilRawNs - takenRawNs),
        holdoverForNs: String(segment.holdoverUntilRawNs - takenRawNs),
        widthMaxNs: String(segment.widthMaxNs),
      },
      groups: told.groups,
      liars: told.liars,
      profileIndex: Number(profileIndex),
      sources: verdicts.map(({ source, state, problems, latched }) => ({
        id: profile?.sources[source]?.id ?? String(source),
        state,
        problems,
        latched,
      })),
    };
  }

  #profileAt(index: bigint): Promise<TimeProfile | null> {
    const known = this.#profiles.get(index) ?? this.#readProfile(index);
    this.#profiles.set(index, known);
    return known;
  }

  async #readProfile(index: bigint): Promise<TimeProfile | null> {
    const entry = await this.#read(index);
    if (entry.kind !== 'time.profile') return null;
    return decodeTimeProfile(decodeOperatorOrder(entry.order).payload);
  }

  async #read(index: bigint): Promise<Entry> {
    return decodeEntry(await this.#ledger.readEntry(leafIndex(index)));
  }
}

type RowHead = Pick<TimeHistoryRow, 'index' | 'kind' | 'taiNs' | 'utc'>;

/** Of evidence version 1: a reading of the system clock, of whose error nothing is known. */
const UNBOUNDED: Omit<TimeHistoryRow, keyof RowHead> = {
  cause: null,
  level: 'UNKNOWN',
  statisticalNs: null,
  adversarialNs: null,
  later: null,
  groups: 0,
  liars: 0,
  profileIndex: null,
  sources: [],
};

function textOf(ns: bigint | null): string | null {
  return ns === null ? null : String(ns);
}
