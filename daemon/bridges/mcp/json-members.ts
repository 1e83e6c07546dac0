/**
 * The text of each member of a JSON-RPC message, as it stood on the line: what is recorded is what
 * the other side got, byte for byte. And the one thing JSON.parse passes over: a key that stands
 * twice, of which one program takes the first and another the last.
 */

/**
 * The members of each message: one, or as many as the batch has. Keys are decoded, values are not.
 */
export type Members = ReadonlyMap<string, string>;

interface Frame {
  readonly isObject: boolean;
  readonly keys: Set<string>;
  /** Where a message's members go; null for what is inside of them. */
  readonly members: Map<string, string> | null;
  key: string | null;
  valueStart: number;
}

/** `text` must have passed JSON.parse. Null when a key stands twice anywhere. */
export function membersOf(text: string): readonly Members[] | null {
  const messages: Map<string, string>[] = [];
  const stack: Frame[] = [];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    const top = stack.at(-1);
    if (letter === '"') {
      const end = endOfString(text, at);
      if (top?.isObject === true && top.key === null) {
        const key = String(JSON.parse(text.slice(at, end + 1)));
        if (top.keys.has(key)) return null;
        top.keys.add(key);
        top.key = key;
        top.valueStart = text.indexOf(':', end) + 1;
        at = top.valueStart - 1;
      } else at = end;
    } else if (letter === '{' || letter === '[') {
      stack.push(open(letter, stack, messages));
    } else if (letter === ',' || letter === '}' || letter === ']') {
      closeMember(top, text, at);
      if (letter !== ',') stack.pop();
    }
  }
  return messages;
}

function open(letter: string, stack: readonly Frame[], messages: Map<string, string>[]): Frame {
  const isObject = letter === '{';
  const isBatchItem = stack.length === 1 && stack[0]?.isObject === false;
  const isMessage = isObject && (stack.length === 0 || isBatchItem);
  const members = isMessage ? new Map<string, string>() : null;
  if (members !== null) messages.push(members);
  return { isObject, keys: new Set(), members, key: null, valueStart: 0 };
}

function closeMember(frame: Frame | undefined, text: string, end: number): void {
  if (frame === undefined || frame.key === null) return;
  frame.members?.set(frame.key, text.slice(frame.valueStart, end).trim());
  frame.key = null;
}

/** Position of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
