/**
 * What the rules look at, and what they say. A rule is a function of the files alone, so that its
 * test plants a violation as text.
 */

export interface Source {
  /** Relative to the checkout, with '/'. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly problem: string;
  /** What to write or do in its place. */
  readonly instead: string;
}

export type Rule = (sources: readonly Source[]) => Finding[];

/** A rule that looks at each file by itself. */
export function perSource(wanted: RegExp, check: (source: Source) => Finding[]): Rule {
  return (sources) => sources.filter(({ path }) => wanted.test(path)).flatMap(check);
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}

export const typeScript = /\.(?:ts|mjs)$/;
export const cpp = /\.(?:c|cpp|h)$/;
export const code = /\.(?:ts|mjs|c|cpp|h)$/;

/** Tests, and what only they and the developer run: freer than the product. */
export function isTest(path: string): boolean {
  return /(?:^|\/)test\/|^(?:native\/fuzz|hwtest)\//.test(path);
}
