/** The preload libraries of this folder. */
import { compile } from '../backends/compile.ts';

/** The sources of each. */
const libraries = {
  'disk-faults': ['disk-faults.c', 'passage.c', 'plan.c', 'undo.c'],
  'full-disk': ['full-disk.c'],
  'slow-disk': ['slow-disk.c'],
} as const;

export type PreloadLibrary = keyof typeof libraries;

/** Path of the library, for `LD_PRELOAD`. */
export function preloadLibrary(name: PreloadLibrary): string {
  const sources = libraries[name].map((file) => new URL(file, import.meta.url));
  return compile({ name, kind: 'preload-library', sources });
}
