/**
 * `mkdir -p`, durable: what is synced in a folder whose own name a power cut takes is lost with it.
 * Node's own recursive mkdirSync never returns where a file system answers "no such file" for a
 * name that cannot be made in a folder that is there, as /proc does.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
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
  syncFolder(parent);
}

/** The names in it are durable on return. @throws the system's own error */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
