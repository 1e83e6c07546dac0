/**
 * Code in a document is a file that runs: a fenced block under `<!-- from: path -->` equals that
 * file, whose path is relative to the document.
 */
import { posix } from 'node:path';

import { lineAt, type Finding, type Rule, type Source } from './source.ts';

const snippet = /<!-- from: (\S+) -->\n+```[^\n]*\n([\s\S]*?)^```$/gm;

export const snippets: Rule = (sources) => {
  const byPath = new Map(sources.map(({ path, text }) => [path, text]));
  return sources
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((document) =>
      Array.from(document.text.matchAll(snippet)).flatMap((match) =>
        compare(document, match, byPath),
      ),
    );
};

function compare(
  document: Source,
  { 1: name = '', 2: block = '', index }: RegExpExecArray,
  byPath: ReadonlyMap<string, string>,
): Finding[] {
  const path = posix.join(posix.dirname(document.path), name);
  const line = lineAt(document.text, index);
  const text = byPath.get(path);
  if (text === block) return [];
  const problem =
    text === undefined ? `names '${path}', which is missing` : `differs from '${path}'`;
  return [{ path: document.path, line, problem, instead: 'copy the file as it is' }];
}
