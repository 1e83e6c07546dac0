/** What the index's builder does next: the newest that is missing first, then fewer files. */
import { endOf, gapsOf, type IndexFile, type IndexShape, type Range } from './files.ts';

export type Job =
  | { readonly kind: 'build'; readonly range: Range }
  | { readonly kind: 'merge'; readonly range: Range; readonly from: readonly IndexFile[] };

/** @param size entries that are published. Null: nothing is to be done */
export function nextJob(files: readonly IndexFile[], size: number, shape: IndexShape): Job | null {
  const { segment, merged } = shape;
  const newest = gapsOf(files, 0, size - (size % segment)).at(-1);
  if (newest !== undefined) return { kind: 'build', range: newestWithin(newest, shape) };
  for (let first = 0; first + merged <= size; first += merged) {
    const range = { first, count: merged };
    const from = files.filter((file) => file.first >= first && endOf(file) <= endOf(range));
    if (from.length > 1) return { kind: 'merge', range, from };
  }
  return null;
}

/** A whole large file where there is room for one. */
function newestWithin(gap: Range, { segment, merged }: IndexShape): Range {
  const end = endOf(gap);
  if (end % merged === 0 && end - merged >= gap.first) {
    return { first: end - merged, count: merged };
  }
  return { first: end - segment, count: segment };
}

/** Entries that neither files hold nor the newest two segments in memory. */
export function lagOf(files: readonly IndexFile[], size: number, { segment }: IndexShape): number {
  const inMemoryFrom = size - (size % segment) - segment;
  return gapsOf(files, 0, inMemoryFrom).reduce((sum, { count }) => sum + count, 0);
}
