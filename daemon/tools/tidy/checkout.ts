/** The text files of the checkout: what git tracks, and what it would track. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { Source } from './source.ts';

const checkout = join(import.meta.dirname, '..', '..', '..');

export function readCheckout(): Source[] {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((path) => path !== '' && isFile(join(checkout, path)))
    .map((path) => ({ path, text: readFileSync(join(checkout, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

/** False for what was removed but is still in git's index. */
function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
