/**
 * JSON files that nothing else can tell the truth of: the first member is the digest of all others,
 * and the text is exactly what `checkedJsonText` writes, so that no byte can change unseen.
 */
import { createHash } from 'node:crypto';

const MEMBER = 'sha256';

export function checkedJsonText(members: Readonly<Record<string, unknown>>): string {
  const digest = createHash('sha256').update(JSON.stringify(members)).digest('hex');
  return `${JSON.stringify({ [MEMBER]: digest, ...members }, null, 2)}\n`;
}

/** The members but the digest. Throws a plain Error that says what is wrong. */
export function checkedJson(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('it is no JSON object');
  }
  const { [MEMBER]: digest, ...members } = value as Record<string, unknown>;
  if (typeof digest !== 'string') throw new Error(`field '${MEMBER}' is missing`);
  if (checkedJsonText(members) === text) return members;
  throw new Error('the file is not what its digest says');
}
