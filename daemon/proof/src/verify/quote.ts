/**
 * Text that others chose, within a sentence of the verdict. Agents, enrolments and notes name
 * things as they like: a name must not end its own quotation and go on as the verifier's words, nor
 * hide, reverse or overwrite what stands beside it on a reader's screen.
 */

// Control characters, and those that are invisible, join lines or turn the direction of writing.
// A fixed list: what a runtime's Unicode tables say differs from release to release.
const UNSHOWABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

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
