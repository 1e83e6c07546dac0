/**
 * Text that others chose, within a sentence of the verdict. Agents, enrolments and notes name
 * things as they like: a name must not end its own quotation and go on as the verifier's words, nor
 * hide, reverse or overwrite what stands beside it on a reader's screen.
 */

// Control characters, and those that are invisible, join lines or turn the direction of writing.
// A fixed list: what a runtime's Unicode tables say differs from release to release.
const UNSHOWABLE = new RegExp(
  `[${[
    String.raw`\u{0}-\u{1f}\u{7f}-\u{9f}`, // control characters, C0 and C1
    String.raw`\u{ad}\u{61c}\u{180e}\u{200b}-\u{200f}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}`,
    String.raw`\u{2028}-\u{202e}`, // separators of lines, marks of direction
    String.raw`\u{e0000}-\u{e007f}`, // tags
  ].join('')}]`,
  'gu',
);

/** `text` in single quotes; quotes and backslashes in it have a backslash before them. */
export function quote(text: string): string {
  return `'${showable(text.replace(/['\\]/g, '\\$&'))}'`;
}

/** `text` with each character that cannot be seen as `\u{hex}`. */
export function showable(text: string): string {
  return text.replace(UNSHOWABLE, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
