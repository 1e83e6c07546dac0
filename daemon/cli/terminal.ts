/**
 * The terminal's rules. Results go to stdout, everything else to stderr; nothing but results on
 * stdout, so that it can be piped. A line on stderr begins with the program's name, in lower case,
 * without a full stop; a hint stands on its own line. Colours only on a terminal, and never with
 * NO_COLOR. When the reader of stdout is gone, the command goes on to its true exit code in
 * silence.
 */
import { styleText } from 'node:util';

import { showable } from '@kudurru/proof';

export type Colour = 'good' | 'bad' | 'open' | 'dim' | 'strong';

const FORMATS = { good: 'green', bad: 'red', open: 'yellow', dim: 'dim', strong: 'bold' } as const;

export class Terminal {
  #isReaderGone = false;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#isReaderGone = true;
    });
  }

  /** A result line. */
  print(line = ''): void {
    this.write(`${line}\n`);
  }

  /** Result bytes, as they are. */
  write(bytes: string | Uint8Array): void {
    if (!this.#isReaderGone) process.stdout.write(bytes);
  }

  /** A result for programs: one line of JSON. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value, jsonValue));
  }

  /** A line for the person, on stderr. */
  say(line: string): void {
    process.stderr.write(`kudurru: ${line}\n`);
  }

  /** `text` in a colour, where stdout shows colours. */
  paint(colour: Colour, text: string): string {
    return styleText(FORMATS[colour], text, { stream: process.stdout, validateStream: true });
  }

  /**
   * Lines of two columns: a label and what it says. Agents chose some of it: what a terminal would
   * obey or hide is shown as its code.
   */
  printFacts(facts: readonly (readonly [label: string, text: string])[]): void {
    const width = Math.max(...facts.map(([label]) => label.length));
    for (const [label, text] of facts) this.print(`${label.padEnd(width + 2)}${showable(text)}`);
  }

  /** Rows under headings, columns as wide as they need to be; cells as the texts of facts. */
  printTable(headings: readonly string[], rows: readonly (readonly string[])[]): void {
    const shown = rows.map((row) => row.map(showable));
    const lines = [headings, ...shown];
    const widths = headings.map((_, column) =>
      Math.max(...lines.map((line) => (line[column] ?? '').length)),
    );
    const format = (line: readonly string[]): string =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd();
    this.print(this.paint('dim', format(headings)));
    for (const row of shown) this.print(format(row));
  }
}

/**
 * Indexes and nanoseconds as decimal text where a number cannot hold them; bytes as hexadecimal.
 */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}
