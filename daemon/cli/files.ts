/** Reading and writing the files that a person names. */
import { readFileSync, writeFileSync } from 'node:fs';

import { EXIT, Failure, wrongUse } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** The bytes of a file that must be there. `what` says what it should be. */
export function readNamedFile(file: string, what: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(EXIT.wrongUse, `${what} "${file}" not read: ${reason}`, {
      code: 'file-unreadable',
      cause,
    });
  }
}

/**
 * A result that is a file: to `file`, or to stdout unless that is a terminal and cannot show it.
 */
export function writeResult(
  terminal: Terminal,
  bytes: Uint8Array,
  { file, isText }: { readonly file: string | undefined; readonly isText: boolean },
): void {
  if (file === undefined) {
    if (!isText && process.stdout.isTTY) {
      throw wrongUse('the result is not text', 'name a file with -o FILE, or pipe it');
    }
    terminal.write(bytes);
    return;
  }
  try {
    writeFileSync(file, bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(EXIT.wrongUse, `"${file}" not written: ${reason}`, { cause });
  }
}
