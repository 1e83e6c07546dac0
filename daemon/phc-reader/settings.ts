/** What the reader is told on its command line: one JSON object, checked. */
import { isAbsolute } from 'node:path';

export interface PhcSettings {
  /** Whose end is the reader's end. */
  readonly parentPid: number;
  /** Path of the clock (`/dev/ptp0`). */
  readonly device: string;
  /** Between two readings, 20 … 60000. */
  readonly intervalMs: number;
}

const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const CHECKS: { readonly [Name in keyof PhcSettings]: (value: unknown) => boolean } = {
  parentPid: (value) => isInteger(value, 1, 2 ** 31 - 1),
  device: (value) => typeof value === 'string' && isAbsolute(value) && !value.includes('\0'),
  intervalMs: (value) => isInteger(value, 20, 60_000),
};

/** @throws TypeError, SyntaxError */
export function parsePhcSettings(json: string): PhcSettings {
  const given: unknown = JSON.parse(json);
  if (typeof given !== 'object' || given === null) throw new TypeError('settings: not an object');
  const settings = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(settings).filter((name) => !Object.hasOwn(CHECKS, name));
  if (unknown.length > 0) throw new TypeError(`settings: '${unknown.join("', '")}' is none`);
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = settings[name];
    if (!check(value)) throw new TypeError(`settings: ${name} is ${JSON.stringify(value)}`);
  }
  return settings as unknown as PhcSettings;
}
