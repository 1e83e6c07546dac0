/** What the reader is told on its command line: one JSON object, checked. */
import { isAbsolute } from 'node:path';

export interface ReaderSettings {
  /** Whose end is the reader's end. */
  readonly parentPid: number;
  /** Path of the serial line. */
  readonly line: string;
  /** 4800 … 921600. A line over USB has no speed; more than this one carries is a flood too. */
  readonly baud: number;
  /** Path of the pulse's device; null: none is wired. */
  readonly pulse: string | null;
  /** After so long without a byte the line is stalled, 1 … 86400000. */
  readonly silenceMs: number;
  /** Between two questions for the unique id, 100 … 600000. */
  readonly askEveryMs: number;
}

const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
const isPath = (value: unknown): boolean =>
  typeof value === 'string' && isAbsolute(value) && !value.includes('\0');

const CHECKS: { readonly [Name in keyof ReaderSettings]: (value: unknown) => boolean } = {
  parentPid: (value) => isInteger(value, 1, 2 ** 31 - 1),
  line: isPath,
  baud: (value) => isInteger(value, 4800, 921_600),
  pulse: (value) => value === null || isPath(value),
  silenceMs: (value) => isInteger(value, 1, 86_400_000),
  askEveryMs: (value) => isInteger(value, 100, 600_000),
};

/** @throws TypeError, SyntaxError */
export function parseReaderSettings(json: string): ReaderSettings {
  const given: unknown = JSON.parse(json);
  if (typeof given !== 'object' || given === null) throw new TypeError('settings: not an object');
  const settings = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(settings).filter((name) => !Object.hasOwn(CHECKS, name));
  if (unknown.length > 0) throw new TypeError(`settings: '${unknown.join("', '")}' is none`);
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = settings[name];
    if (!check(value)) throw new TypeError(`settings: ${name} is ${JSON.stringify(value)}`);
  }
  return settings as unknown as ReaderSettings;
}
