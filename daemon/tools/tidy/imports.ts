/** What a TypeScript file refers to: imports, re-exports, and files named in its strings. */
import { posix } from 'node:path';

import { scan } from './scan.ts';
import { lineAt, type Source } from './source.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Matches in scanned code, where the inside of the quotes is blank. */
const importing = /(?:(?<![.\w])from\s*|\bimport\s*\(?\s*)(['"])( *)\1/g;
const naming = /(['"`])( *)\1/g;

export function importsOf({ path, text }: Source): Import[] {
  return literalsOf(text, scan(path, text).code, importing);
}

/**
 * Files that the file imports or names in a string: `new URL('./child.ts', import.meta.url)`, a
 * path handed to a new process. Relative to the checkout; only those for which `exists` holds.
 */
export function filesNamedBy(source: Source, exists: (path: string) => boolean): string[] {
  const folder = posix.dirname(source.path);
  return literalsOf(source.text, scan(source.path, source.text).code, naming)
    .flatMap(({ specifier }) => [posix.join(folder, specifier), posix.normalize(specifier)])
    .filter(exists);
}

function literalsOf(text: string, code: string, pattern: RegExp): Import[] {
  return Array.from(code.matchAll(pattern), (match) => {
    const length = match[2]?.length ?? 0;
    const end = match.index + match[0].length - 1;
    return { specifier: text.slice(end - length, end), line: lineAt(text, match.index) };
  });
}
