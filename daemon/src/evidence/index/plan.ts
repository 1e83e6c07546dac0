/** What the index's builder does next: the newest that is missing first, then fewer files. */
import { endOf, entriesOf, gapsOf, type IndexFile, type IndexShape, type Range } from './files.ts';

export type Job =
  | { readonly kind: 'build'; readonly range: Range }
  | { readonly kind: 'merge'; readonly range: Range; readonly from: readonly IndexFile[] };

export interface PlanInput {
  readonly files: readonly IndexFile[];
  /** Entries that are published. */
  readonly size: number;
  readonly shape: IndexShape;
  /** An entry that somebody asks for; null where nobody does. */
  readonly wanted: number | null;
}

/** Null: nothing is to be done. */
export function nextJob({ files, size, shape, wanted }: PlanInput): Job | null {
  const { segment, merged } = shape;
  const gaps = gapsOf(files, 0, size - (size % segment));
  const asked = gaps.find((gap) => wanted !== null && gap.first <= wanted && wanted < endOf(gap));
  if (asked !== undefined && wanted !== null) {
    // Small, so that whoever waits has it soon.
    return { kind: 'build', range: { first: wanted - (wanted % segment), count: segment } };
  }
  const newest = gaps.at(-1);
  if (newest !== undefined) {
    return { kind: 'build', range: rangeAround(endOf(newest) - 1, newest, shape) };
  }
  for (let first = 0; first + merged <= size; first += merged) {
    const range = { first, count: merged };
    const from = files.filter((file) => file.first >= first && endOf(file) <= endOf(range));
    if (from.length > 1) return { kind: 'merge', range, from };
  }
  return null;
}

/** A whole large file where there is room for one. */
function rangeAround(index: number, gap: Range, { segment, merged }: IndexShape): Range {
  const large = { first: index - (index % merged), count: merged };
  if (large.first >= gap.first && endOf(large) <= endOf(gap)) return large;
  return { first: index - (index % segment), count: segment };
}

/** Entries that neither files hold nor the newest two segments in memory. */
export function lagOf(files: readonly IndexFile[], size: number, { segment }: IndexShape): number {
  const inMemoryFrom = size - (size % segment) - segment;
  return entriesOf(gapsOf(files, 0, inMemoryFrom));
}
