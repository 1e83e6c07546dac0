/** Disk space that a state folder takes, by the blocks the file system has given to its files. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const bytesPerBlock = 512; // stat(2), whatever the file system's own block size

/** Without the emulated devices' own state. */
export function diskBytesOf(state: string): number {
  let bytes = 0;
  for (const item of readdirSync(state, { withFileTypes: true })) {
    if (item.name !== 'devices') bytes += bytesUnder(join(state, item.name));
  }
  return bytes;
}

function bytesUnder(path: string): number {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  // A partial tile goes when its tile is full.
  if (facts === undefined) return 0;
  if (!facts.isDirectory()) return facts.blocks * bytesPerBlock;
  let bytes = 0;
  for (const name of namesIn(path)) bytes += bytesUnder(join(path, name));
  return bytes;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
