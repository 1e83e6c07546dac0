/** Builds the preload libraries of this folder, each once a process. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The sources of each. */
const libraries = {
  'disk-faults': ['disk-faults.c', 'passage.c', 'plan.c', 'undo.c'],
  'full-disk': ['full-disk.c'],
  'slow-disk': ['slow-disk.c'],
} as const;

export type PreloadLibrary = keyof typeof libraries;

const built = new Map<PreloadLibrary, string>();

/** Path of the library, for `LD_PRELOAD`. */
export function preloadLibrary(name: PreloadLibrary): string {
  const library = built.get(name) ?? build(name);
  built.set(name, library);
  return library;
}

function build(name: PreloadLibrary): string {
  const sources = libraries[name].map((file) => fileURLToPath(new URL(file, import.meta.url)));
  const folder = fileURLToPath(new URL('../build', import.meta.url));
  mkdirSync(folder, { recursive: true });
  // Under a name of its own: another process may be running with the one before.
  const library = `${folder}/${name}-${process.pid}.so`;
  const flags = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra'];
  execFileSync('cc', [...flags, '-o', library, ...sources, '-ldl', '-lpthread']);
  process.once('exit', () => rmSync(library, { force: true }));
  return library;
}
