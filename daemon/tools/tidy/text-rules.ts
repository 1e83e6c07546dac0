/** Words and paths that no committed file holds. This file and its test, which name them, may. */
import { scan } from './scan.ts';
import { code, lineAt, type Finding, type Rule, type Source } from './source.ts';

const mayNameThem = new Set(['daemon/tools/tidy/text-rules.ts', 'daemon/test/tidy.test.ts']);

/** Paths of one machine, and of one person. */
const machinePath = /(?<![\w.])\/(?:work|root|home)\//g;
const mark = /\b(?:TODO|FIXME|XXX|HACK|WIP)\b/g;
const apology = /\b(?:for now|place ?holder|not (?:yet )?implemented|will be replaced|dummy)\b/gi;

export const machinePaths: Rule = (sources) =>
  sources.flatMap((source) =>
    find(source, source.text, {
      pattern: machinePath,
      problem: 'a path of one machine',
      instead: 'a path relative to the checkout, or one the program is given',
    }),
  );

export const leftoverMarks: Rule = (sources) =>
  sources.flatMap((source) => [
    ...find(source, source.text, { pattern: mark, ...unfinished }),
    ...find(source, proseOf(source), { pattern: apology, ...unfinished }),
  ]);

const unfinished = {
  problem: 'unfinished work',
  instead: 'finish it, or write down the limit it leaves',
};

function proseOf({ path, text }: Source): string {
  if (code.test(path)) return scan(path, text).comments;
  return path.endsWith('.md') ? text : '';
}

interface Wanted {
  readonly pattern: RegExp;
  readonly problem: string;
  readonly instead: string;
}

function find({ path }: Source, text: string, wanted: Wanted): Finding[] {
  if (mayNameThem.has(path)) return [];
  return Array.from(text.matchAll(wanted.pattern), ({ 0: found, index }) => {
    const problem = `${wanted.problem}: '${found}'`;
    return { path, line: lineAt(text, index), problem, instead: wanted.instead };
  });
}
