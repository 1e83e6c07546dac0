/**
 * Breaks comments that are wider than a line may be; prettier leaves comments as they are. Only a
 * paragraph that holds too wide a line is filled anew, so that lists, tables and drawings keep
 * their shape.
 */
import { scan } from './scan.ts';
import { lineCharactersMax } from './sizes.ts';

interface Line {
  readonly content: string;
  readonly isComment: boolean;
}

/** A line of prose: the comment's own prefix, and text that is not indented further. */
const prose = /^(\s*(?:\*|\/\/) )(\S.*)$/;
/** Text on the opening line of a block comment, which may end there. */
const opening = /^(\s*)\/\*\* (\S.*?)( \*\/)?$/;
/** What begins a paragraph of its own: a list item, a tag, a row of a table. */
const item = /^(?:[-*@|]|\d+\.)/;

export function breakWideComments(path: string, text: string): string {
  const { comments } = scan(path, text);
  let offset = 0;
  const lines = text.split('\n').flatMap((content): Line[] => {
    const commented = comments.slice(offset, offset + content.length).trim();
    const isComment = commented !== '' && commented === content.trim();
    offset += content.length + 1;
    return (isComment ? open(content) : [content]).map((each) => ({ content: each, isComment }));
  });
  const result: string[] = [];
  while (lines.length > 0) result.push(...filled(lines.splice(0, paragraphLength(lines))));
  return result.join('\n');
}

/** A wide comment whose text begins on its opening line gets that line for itself. */
function open(content: string): string[] {
  const match = opening.exec(content);
  if (match === null || content.length <= lineCharactersMax) return [content];
  const [, indent = '', text = '', end = ''] = match;
  return [`${indent}/**`, `${indent} * ${text}`, ...(end === '' ? [] : [`${indent} */`])];
}

/** How many of the first lines belong together; at least one. */
function paragraphLength(lines: readonly Line[]): number {
  const prefix = prefixOf(lines[0]);
  if (prefix === undefined) return 1;
  const end = lines.findIndex((line, index) => {
    if (index === 0) return false;
    return prefixOf(line) !== prefix || item.test(line.content.slice(prefix.length));
  });
  return end < 0 ? lines.length : end;
}

function filled(paragraph: readonly Line[]): string[] {
  const contents = paragraph.map(({ content }) => content);
  const prefix = prefixOf(paragraph[0]);
  if (prefix === undefined || contents.every((content) => content.length <= lineCharactersMax)) {
    return contents;
  }
  const result: string[] = [];
  for (const word of contents.flatMap((content) => content.slice(prefix.length).split(/\s+/))) {
    const longer = `${result.at(-1) ?? ''} ${word}`;
    if (result.length === 0 || longer.length > lineCharactersMax) result.push(prefix + word);
    else result[result.length - 1] = longer;
  }
  return result;
}

function prefixOf(line: Line | undefined): string | undefined {
  return line?.isComment === true ? prose.exec(line.content)?.[1] : undefined;
}
