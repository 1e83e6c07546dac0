/**
 * What the server said of itself and of its tools: its name, the protocol, each tool's digest and
 * hints. A tool whose definition changes while the server runs is told to the person.
 */
import { createHash } from 'node:crypto';

import { isRecord } from './message.ts';

export interface ToolFacts {
  /** SHA-256 of the tool's definition as listed, in canonical JSON (RFC 8785). */
  readonly digest: Uint8Array;
  readonly isReadOnly: boolean | null;
  readonly isDestructive: boolean | null;
}

export class Catalogue {
  readonly #say: (line: string) => void;
  readonly #tools = new Map<string, ToolFacts>();
  #serverName: string | null = null;
  #protocolVersion: string | null = null;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  get serverName(): string | null {
    return this.#serverName;
  }

  get protocolVersion(): string | null {
    return this.#protocolVersion;
  }

  toolOf(name: string): ToolFacts | null {
    return this.#tools.get(name) ?? null;
  }

  /** Reads what the answer to `method` tells; every other answer is passed over. */
  learn(method: string, result: unknown): void {
    if (!isRecord(result)) return;
    if (method === 'initialize' || method === 'server/discover') this.#learnServer(result);
    if (method === 'tools/list' && Array.isArray(result['tools'])) {
      for (const tool of result['tools']) this.#learnTool(tool);
    }
  }

  #learnServer(result: Record<string, unknown>): void {
    const { serverInfo, protocolVersion } = result;
    if (isRecord(serverInfo)) this.#serverName = shortText(serverInfo['name'], 256);
    this.#protocolVersion = shortText(protocolVersion, 64);
  }

  #learnTool(tool: unknown): void {
    if (!isRecord(tool) || typeof tool['name'] !== 'string') return;
    const { name } = tool;
    const hints = isRecord(tool['annotations']) ? tool['annotations'] : {};
    const facts: ToolFacts = {
      digest: new Uint8Array(createHash('sha256').update(canonicalJson(tool)).digest()),
      isReadOnly: hintOf(hints['readOnlyHint']),
      isDestructive: hintOf(hints['destructiveHint']),
    };
    const before = this.#tools.get(name);
    if (before !== undefined && Buffer.compare(before.digest, facts.digest) !== 0) {
      this.#say(`the server changed its tool "${name}" while it runs: new digest from now on`);
    }
    this.#tools.set(name, facts);
  }
}

/**
 * Text that fits a public field of an envelope, or null: 1 to `sizeBytesMax`, no control
 * characters.
 */
export function shortText(value: unknown, sizeBytesMax: number): string | null {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed()) return null;
  if (Buffer.byteLength(value) > sizeBytesMax || /\p{Cc}/u.test(value)) return null;
  return value;
}

/** Keys sorted by UTF-16 units, numbers as ECMAScript writes them: RFC 8785 for parsed JSON. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}

function hintOf(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}
