/**
 * How fast the state folder grows: bytes an entry takes in journal, tiles and index, measured on
 * the files, and entries in the last hour and day. Looks at some dozens of files, however long the
 * log is.
 */
import type { Dirent, Stats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { formatTilePath, TILE_WIDTH } from '@kudurru/proof';

import type { Log } from '../base/log.ts';

export interface GrowthWatchOptions {
  readonly stateFolder: string;
  /** Entries that are durable. */
  readonly size: () => bigint;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** Null: not known yet. */
export interface BytesPerEntry {
  readonly journal: number | null;
  readonly tiles: number | null;
  readonly index: number | null;
}

/** Of the journal. */
export interface SegmentCounts {
  readonly held: number;
  /** Moved away by "kudurru log retire". */
  readonly retired: number;
}

interface JournalFacts {
  readonly segments: SegmentCounts;
  /** Name of the segment in use, and what of it is. */
  readonly newest: string;
  readonly newestBytes: number;
  /** Of all segments; null where the first are not here any more. */
  readonly bytes: number | null;
}

interface Sample {
  readonly atMs: number;
  readonly size: bigint;
}

export const growthEveryMs = 30_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
const samplesMax = dayMs / growthEveryMs + 1;
/** The newest full bundles, whose size stands for that of all. */
const bundlesMax = 32;
/** Of st_blocks. */
const blockSizeBytes = 512;
/** Hashes of all levels: 32 bytes, and a 256th of that, and so on. */
const hashBytesPerEntry = (32 * 256) / 255;
/** Records have no run of zeros as long as this: behind the last there is nothing else. */
const probeSizeBytes = 4096;

export class GrowthWatch {
  readonly #options: GrowthWatchOptions;
  readonly #samples: Sample[] = [];
  /** What the segment in use grew by between two looks, and the log meanwhile; added up. */
  readonly #seen = { bytes: 0, entries: 0 };
  #before: (JournalFacts & { readonly size: bigint }) | null = null;
  #bytesPerEntry: BytesPerEntry = { journal: null, tiles: null, index: null };

  constructor(options: GrowthWatchOptions) {
    this.#options = options;
  }

  /** As of the last look. */
  get bytesPerEntry(): BytesPerEntry {
    return this.#bytesPerEntry;
  }

  /** As of the last look; null before the first. */
  get segments(): SegmentCounts | null {
    return this.#before?.segments ?? null;
  }

  /** Never fails: files come and go meanwhile, and the figures are for people. */
  async look(): Promise<void> {
    try {
      await this.#measure();
    } catch (error) {
      this.#options.log.error('growth not measured', error);
    }
  }

  async #measure(): Promise<void> {
    const { stateFolder, size, nowMs } = this.#options;
    const entries = size();
    this.#samples.push({ atMs: nowMs(), size: entries });
    if (this.#samples.length > samplesMax) this.#samples.shift();
    this.#bytesPerEntry = {
      journal: this.#journalBytesPerEntry(await readJournal(join(stateFolder, 'journal')), entries),
      tiles: await tileBytesPerEntry(stateFolder, entries),
      index: entries === 0n ? null : (await indexBytesOf(stateFolder)) / Number(entries),
    };
  }

  /** Of the whole journal; where segments were moved away, of what this run has seen it grow. */
  #journalBytesPerEntry(journal: JournalFacts, size: bigint): number | null {
    const before = this.#before;
    this.#before = { ...journal, size };
    if (before !== null && before.newest === journal.newest) {
      this.#seen.bytes += journal.newestBytes - before.newestBytes;
      this.#seen.entries += Number(size - before.size);
    }
    const { bytes, entries } =
      journal.bytes === null ? this.#seen : { bytes: journal.bytes, entries: Number(size) };
    return entries === 0 ? null : bytes / entries;
  }

  /** Entries a second over the window, or over as much of it as this run has seen. */
  entriesPerSecond(windowMs: number): number | null {
    const nowMs = this.#options.nowMs();
    const first = this.#samples.find(({ atMs }) => nowMs - atMs <= windowMs);
    if (first === undefined || nowMs <= first.atMs) return null;
    return Number(this.#options.size() - first.size) / ((nowMs - first.atMs) / 1000);
  }

  /** At the rate of the last day; null where it is not known, or nothing grows. */
  daysUntilFull(roomBytes: number): number | null {
    const { journal, tiles, index } = this.#bytesPerEntry;
    const rate = this.entriesPerSecond(dayMs);
    if (journal === null || index === null || rate === null || rate <= 0) return null;
    const bytesPerDay = (journal + (tiles ?? hashBytesPerEntry) + index) * rate * (dayMs / 1000);
    return Math.max(0, roomBytes) / bytesPerDay;
  }
}

async function readJournal(folder: string): Promise<JournalFacts> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.journal$/u.test(name)).sort();
  const newest = names.at(-1);
  const segments = { held: names.length, retired: Number.parseInt(names[0] ?? '0', 10) };
  if (newest === undefined) return { segments, newest: '', newestBytes: 0, bytes: null };
  const newestBytes = await usedBytesOf(join(folder, newest));
  let bytes = newestBytes;
  for (const name of names.slice(0, -1)) bytes += (await find(join(folder, name)))?.size ?? 0;
  return { segments, newest, newestBytes, bytes: segments.retired === 0 ? bytes : null };
}

/** Of the segment in use, which has its full size from the start: up to where zeros begin. */
async function usedBytesOf(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    let used = 0;
    let zero = Math.ceil((await file.stat()).size / probeSizeBytes);
    const probe = Buffer.alloc(probeSizeBytes);
    while (used < zero) {
      const middle = Math.floor((used + zero) / 2);
      const { bytesRead } = await file.read(probe, 0, probeSizeBytes, middle * probeSizeBytes);
      const isUsed = probe.subarray(0, bytesRead).some((byte) => byte !== 0);
      if (isUsed) used = middle + 1;
      else zero = middle;
    }
    return used * probeSizeBytes;
  } finally {
    await file.close();
  }
}

async function tileBytesPerEntry(stateFolder: string, size: bigint): Promise<number | null> {
  const full = Number(size / BigInt(TILE_WIDTH));
  let bytes = 0;
  let count = 0;
  for (let index = Math.max(0, full - bundlesMax); index < full; index++) {
    const name = { level: 'entries', index: BigInt(index), width: TILE_WIDTH } as const;
    const found = await find(join(stateFolder, formatTilePath(name)));
    if (found === null) continue;
    bytes += found.blocks * blockSizeBytes;
    count += 1;
  }
  return count === 0 ? null : bytes / (count * TILE_WIDTH) + hashBytesPerEntry;
}

/** The search index: whatever in the state folder has a name that begins so. */
async function indexBytesOf(stateFolder: string): Promise<number> {
  const isIndex = ({ name }: Dirent): boolean => name.startsWith('index');
  const found = (await readdir(stateFolder, { withFileTypes: true })).filter(isIndex);
  let sizeBytes = 0;
  for (const each of found) {
    const path = join(stateFolder, each.name);
    const paths = each.isDirectory()
      ? (await readdir(path)).map((name) => join(path, name))
      : [path];
    for (const file of paths) sizeBytes += (await find(file))?.size ?? 0;
  }
  return sizeBytes;
}

/** Null where it is gone by now. */
async function find(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
