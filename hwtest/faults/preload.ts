/** The libraries of this folder that stand between a process and its disk or its token. */
import { compile } from '../backends/compile.ts';

/** The sources of each. */
const libraries = {
  'disk-faults': ['disk-faults.c', 'passage.c', 'plan.c', 'undo.c', 'children.c'],
  'full-disk': ['full-disk.c'],
  'slow-disk': ['slow-disk.c'],
  'token-tap': ['token-tap.c'],
} as const;

/** PKCS#11, as the binding has it. */
const headers = new URL('../../node_modules/pkcs11js/includes', import.meta.url);

export type PreloadLibrary = keyof typeof libraries;

/** Path of the library, for `LD_PRELOAD`; of the token's tap, for the module's place. */
export function preloadLibrary(name: PreloadLibrary): string {
  const sources = libraries[name].map((file) => new URL(file, import.meta.url));
  return compile({ name, kind: 'preload-library', sources, headers });
}
