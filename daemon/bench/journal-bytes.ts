/**
 * How many bytes the journal holds: its segments are taken at their full size and are zero behind
 * the last record.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const chunkBytes = 65_536;

export function journalBytesOf(state: string): number {
  const folder = join(state, 'journal');
  const segments = readdirSync(folder).filter((name) => /^\d+\.journal$/u.test(name));
  return segments.reduce((sum, name) => sum + usedBytesOf(join(folder, name)), 0);
}

/** Up to the last byte that is not zero. */
function usedBytesOf(file: string): number {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let end = fstatSync(descriptor).size;
    while (end > 0) {
      const start = Math.max(0, end - chunkBytes);
      const size = readSync(descriptor, chunk, 0, end - start, start);
      const last = chunk.subarray(0, size).findLastIndex((byte) => byte !== 0);
      if (last >= 0) return start + last + 1;
      end = start;
    }
    return 0;
  } finally {
    closeSync(descriptor);
  }
}
