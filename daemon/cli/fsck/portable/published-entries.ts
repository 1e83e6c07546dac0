/** Entries as they were published, for those whose record in the journal is damaged. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatTilePath, TILE_WIDTH } from '@kudurru/proof';

/** Held in memory until the chain has proven them. */
const BRIDGED_ENTRIES_MAX = 1n << 20n;

/** The entries `[from, until)`; null where one is not there. */
export function publishedEntries(folder: string, from: bigint, until: bigint): Uint8Array[] | null {
  if (until - from > BRIDGED_ENTRIES_MAX) return null;
  const found: Uint8Array[] = [];
  const width = BigInt(TILE_WIDTH);
  for (let index = from; index < until;) {
    const entries = longestBundle(folder, index / width);
    const first = Number(index % width);
    const last = Math.min(entries.length, first + Number(until - index));
    if (first >= last) return null;
    found.push(...entries.slice(first, last));
    index += BigInt(last - first);
  }
  return found;
}

function longestBundle(folder: string, index: bigint): Uint8Array[] {
  const path = join(folder, formatTilePath({ level: 'entries', index, width: TILE_WIDTH }));
  const files = [path];
  try {
    files.push(...readdirSync(`${path}.p`).map((name) => join(`${path}.p`, name)));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const bundles = files.map((file) => entriesOf(file));
  return bundles.reduce((one, other) => (other.length > one.length ? other : one), []);
}

/** As many as are whole; none where there is no such file. */
function entriesOf(file: string): Uint8Array[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const entries: Uint8Array[] = [];
  for (let at = 0; bytes.length - at >= 2;) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    entries.push(new Uint8Array(bytes.subarray(at + 2, end)));
    at = end;
  }
  return entries;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
