/**
 * The files of the search index: each holds one range of the log, and its name says which, with the
 * digest of its bytes. A file is never changed once it has its name. Ranges are aligned to their
 * length, so two files of a folder are apart or one holds the other.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { TILE_WIDTH } from '@kudurru/proof';

import { assert } from '../../base/assert.ts';

/** How entries are shared out among files. Counts are multiples of a bundle's 256. */
export interface IndexShape {
  /** Entries of a new file: what is above it is served from memory. */
  readonly segment: number;
  /** Entries of the file that takes the place of `merged / segment` smaller ones. */
  readonly merged: number;
}

/** 65,536 rows are indexed in half a second; a question looks into a file of a million as fast. */
export const INDEX_SHAPE: IndexShape = { segment: 65_536, merged: 1_048_576 };

export interface Range {
  readonly first: number;
  readonly count: number;
}

export interface IndexFile extends Range {
  readonly name: string;
  /** The first half of the SHA-256 of the file, in hexadecimal. */
  readonly digest: string;
}

export const endOf = ({ first, count }: Range): number => first + count;

/** A file that is being made. */
export const BUILDING_NAME = 'building.sqlite';

const NAME = /^(\d{16})-(\d{1,16})-([0-9a-f]{32})\.sqlite$/u;
const CHUNK_BYTES = 1_048_576;

export function checkShape({ segment, merged }: IndexShape): void {
  assert(segment > 0 && segment % TILE_WIDTH === 0, 'a segment is whole bundles');
  assert(merged % segment === 0, 'a merged file is whole segments');
}

export function nameOf({ first, count }: Range, digest: string): IndexFile {
  const name = `${String(first).padStart(16, '0')}-${count}-${digest}.sqlite`;
  return { name, first, count, digest };
}

/** Null where the name is none of ours. */
export function parseName(name: string): IndexFile | null {
  const [, first, count, digest] = NAME.exec(name) ?? [];
  if (first === undefined || count === undefined || digest === undefined) return null;
  return { name, first: Number(first), count: Number(count), digest };
}

export interface Listing {
  /** Apart from each other, ascending. */
  readonly files: readonly IndexFile[];
  /** What has no place in the folder: half-made, held by a larger file, or none of ours. */
  readonly strays: readonly string[];
}

/** Makes the folder where there is none. */
export function listFolder(folder: string): Listing {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files: IndexFile[] = [];
  const strays: string[] = [];
  const found = readdirSync(folder).map((name) => [name, parseName(name)] as const);
  const largestFirst = found.toSorted(([, a], [, b]) => (b?.count ?? 0) - (a?.count ?? 0));
  for (const [name, file] of largestFirst) {
    if (file === null || files.some((other) => overlap(file, other))) strays.push(name);
    else files.push(file);
  }
  return { files: files.toSorted((a, b) => a.first - b.first), strays };
}

function overlap(one: Range, other: Range): boolean {
  return one.first < endOf(other) && other.first < endOf(one);
}

export function removeFile(folder: string, name: string): void {
  rmSync(join(folder, name), { recursive: true, force: true });
}

/** Entries of `[from, to)` that no file holds, as ranges, ascending. */
export function gapsOf(files: readonly Range[], from: number, to: number): Range[] {
  const gaps: Range[] = [];
  let at = from;
  for (const file of files.toSorted((a, b) => a.first - b.first)) {
    if (endOf(file) <= at || file.first >= to) continue;
    if (file.first > at) gaps.push({ first: at, count: file.first - at });
    at = endOf(file);
  }
  if (at < to) gaps.push({ first: at, count: to - at });
  return gaps;
}

export const entriesOf = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, { count }) => sum + count, 0);

/** As in the names. `turn` lets others go first, between two megabytes. */
export async function digestOf(path: string, turn: () => Promise<void>): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let got = readSync(file, chunk); got > 0; got = readSync(file, chunk)) {
      hash.update(chunk.subarray(0, got));
      await turn();
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex').slice(0, 32);
}
