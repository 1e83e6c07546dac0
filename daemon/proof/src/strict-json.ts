/** JSON that people write: an unknown or repeated member is refused, for it would not hold. */
import { ProofError } from './proof-error.ts';
import type { Json, Place } from './schema.ts';

const JSON_SIZE_CHARACTERS_MAX = 1_000_000;

/** @throws ProofError `place.code`, `limit-exceeded` */
export function parseStrictJson(source: string, place: Place): Json {
  if (source.length > JSON_SIZE_CHARACTERS_MAX) {
    throw new ProofError('limit-exceeded', `${place.path}: too long`);
  }
  let json: Json;
  try {
    json = JSON.parse(source) as Json;
  } catch (cause) {
    throw new ProofError(place.code, `${place.path}: is not JSON`, { cause });
  }
  const repeated = repeatedMember(source);
  if (repeated !== null) throw place.error(`member '${repeated}' stands twice`);
  return json;
}

/**
 * The first member that stands twice in one object of the JSON `source`, or null. A parser takes
 * the last of them in silence, and a person may have read the first.
 */
function repeatedMember(source: string): string | null {
  const open: Set<string>[] = [];
  let text = '';
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]/gu)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (token !== ':') text = token;
    else {
      const name = JSON.parse(text) as string;
      if (open.at(-1)?.has(name) === true) return name;
      open.at(-1)?.add(name);
    }
  }
  return null;
}
