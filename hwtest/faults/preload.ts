/** Builds the preload libraries of this folder, each once a process. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new Map<string, string>();

/** Path of the library, for `LD_PRELOAD`. */
export function preloadLibrary(name: 'forget-unsynced' | 'full-disk'): string {
  const library = built.get(name) ?? build(name);
  built.set(name, library);
  return library;
}

function build(name: string): string {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const folder = fileURLToPath(new URL('../build', import.meta.url));
  mkdirSync(folder, { recursive: true });
  // Under a name of its own: another process may be running with the one before.
  const library = `${folder}/${name}-${process.pid}.so`;
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-o', library, source, '-ldl']);
  process.once('exit', () => rmSync(library, { force: true }));
  return library;
}
