/**
 * What a command is: its manual page as data, and what it does. The page is written once: `--help`
 * prints it, and the options are parsed by it.
 */
import { parseArgs } from 'node:util';

import { findLocations, type Locations } from '../src/base/locations.ts';
import { wrongUse } from './exit-code.ts';
import { nearestOf } from './nearest.ts';
import type { Terminal } from './terminal.ts';

export interface OptionRow {
  readonly name: string;
  readonly short?: string;
  /** The name of its value; a flag has none. */
  readonly value?: string;
  /** Whether it may be given more than once. */
  readonly isRepeatable?: boolean;
  readonly meaning: string;
}

export interface Command {
  /** `['agent', 'enrol']`. */
  readonly words: readonly string[];
  /** The NAME line: what it does, in one phrase. */
  readonly summary: string;
  /** What follows the words, one line a form. */
  readonly synopsis: readonly string[];
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly options: readonly OptionRow[];
  /** Besides 0, 2, 4 and 70, which mean the same everywhere. */
  readonly exits?: readonly (readonly [code: number, meaning: string])[];
  readonly examples: readonly (readonly [text: string, command: string])[];
  run(invocation: Invocation): Promise<number>;
}

/** For commands that talk to the daemon. */
export const PLACE_OPTIONS: readonly OptionRow[] = [
  {
    name: 'state',
    value: 'DIR',
    meaning: "the daemon's state folder; else KUDURRU_STATE, else .kudurru in the current folder",
  },
  {
    name: 'config',
    value: 'FILE',
    meaning: "the daemon's configuration file (TOML), for its socket paths; else KUDURRU_CONFIG",
  },
];

/** For commands that carry out an order which operators have signed. */
export const SIGNED_ORDER_OPTIONS: readonly OptionRow[] = [
  {
    name: 'authorisation',
    value: 'FILE.sig',
    isRepeatable: true,
    meaning: 'a signature of the order; may be repeated',
  },
  {
    name: 'order',
    value: 'FILE',
    meaning: 'the order that was signed; else the name of the first signature without ".sig"',
  },
];

const COMMON_OPTIONS: readonly OptionRow[] = [
  { name: 'json', meaning: 'print the result as JSON, one value on one line' },
  { name: 'help', short: 'h', meaning: 'print this page' },
];

export function allOptions(command: Command): readonly OptionRow[] {
  return [...command.options, ...COMMON_OPTIONS];
}

export class Invocation {
  readonly terminal: Terminal;
  readonly positionals: readonly string[];
  readonly #values: Parsed['values'];

  constructor(terminal: Terminal, parsed: Parsed) {
    this.terminal = terminal;
    this.positionals = parsed.positionals;
    this.#values = parsed.values;
  }

  get isJson(): boolean {
    return this.flag('json');
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** All values of a repeatable option, in their order. */
  texts(name: string): readonly string[] {
    const values = this.#values[name];
    return Array.isArray(values) ? values.map(String) : [];
  }

  /** The value of an option that must be given. */
  required(name: string, otherwise?: string): string {
    const value = this.text(name) ?? otherwise;
    if (value === undefined) throw wrongUse(`--${name} is missing`);
    return value;
  }

  /** A whole number from 0. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : wholeNumber(`--${name}`, text);
  }

  /** Exactly these positionals. */
  take(...names: readonly string[]): string[] {
    if (this.positionals.length === names.length) return [...this.positionals];
    const wanted = names.length === 0 ? 'no argument' : names.join(' ');
    throw wrongUse(`expected ${wanted}, found ${this.positionals.length} arguments`);
  }

  locations(): Locations {
    const flags = { state: this.text('state'), config: this.text('config') };
    return findLocations({ flags, environment: process.env, currentFolder: process.cwd() });
  }
}

export function wholeNumber(what: string, text: string): number {
  const number = /^(?:0|[1-9]\d*)$/u.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(number)) return number;
  throw wrongUse(`${what} is a whole number from 0, found "${text}"`);
}

export interface Parsed {
  readonly values: Readonly<
    Record<string, string | boolean | readonly (string | boolean)[] | undefined>
  >;
  readonly positionals: readonly string[];
}

export function parse(command: Command, words: readonly string[]): Parsed {
  const rows = allOptions(command);
  const options = Object.fromEntries(
    rows.map(({ name, short, value, isRepeatable = false }) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: isRepeatable,
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options,
      allowPositionals: true,
    });
    return { values, positionals };
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error)) throw error;
    throw wrongUse(...explain(error, words, rows));
  }
}

/** The runtime's message, cut to what is wrong, and the nearest option. */
function explain(
  error: TypeError & { code: unknown },
  words: readonly string[],
  rows: readonly OptionRow[],
): [string, string?] {
  const first = (error.message.split(/\.\s/u)[0] ?? error.message).replaceAll("'", '"');
  const message = first.charAt(0).toLowerCase() + first.slice(1);
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return [message];
  const known = rows.map(({ name }) => `--${name}`);
  const unknown = words.find(
    (word) => word.startsWith('-') && message.includes(word.split('=')[0] ?? ''),
  );
  const near = nearestOf(unknown?.split('=')[0] ?? '', known);
  return [message, near === undefined ? undefined : `did you mean ${near}?`] as [string, string?];
}
