/**
 * `mkdir -p`. Node's own recursive mkdirSync never returns where a file system answers "no such
 * file" for a name that cannot be made in a folder that is there, as /proc does.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes `path`, and parents that are missing, with `mode` each. @throws the system's own error */
export function makeFolder(path: string, mode: number): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const isThere = existsSync(path) && statSync(path).isDirectory();
    if (!isThere) throw error;
  }
}
