/** What the broker is told on its command line: one JSON object, checked. */
import { isAbsolute } from 'node:path';

import { DEFAULT_PLACES } from './server-socket.ts';
import type { ServerPlace } from './server-socket.ts';

export interface BrokerSettings {
  /** Whose end is the broker's end. */
  readonly parentPid: number;
  /** Path of the broker's own socket. ptp4l must be able to write there. */
  readonly clientPath: string;
  /** Where ptp4l's socket may be, best first; default those of linuxptp, read-only ones first. */
  readonly places: readonly ServerPlace[];
  /** 0 … 255, default 0. */
  readonly domainNumber: number;
  /** 0 … 15, default 0. */
  readonly transportSpecific: number;
  /** The one clock that may answer; null: the first that does, which is told in a note. */
  readonly clockIdentity: string | null;
  /** Users that ptp4l may run as; default root. */
  readonly allowedUids: readonly number[];
  /** Between two rounds of questions, 20 … 60000; default 250. */
  readonly intervalMs: number;
  /** For an answer, 10 … 60000; default 1000. */
  readonly deadlineMs: number;
}

const defaults = {
  places: DEFAULT_PLACES,
  ...{ domainNumber: 0, transportSpecific: 0, clockIdentity: null },
  ...{ allowedUids: [0], intervalMs: 250, deadlineMs: 1000 },
};

const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
const isPath = (value: unknown): boolean => typeof value === 'string' && isAbsolute(value);
const isListOf = (value: unknown, test: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.length <= 16 && value.every(test);

const CHECKS: { readonly [Name in keyof BrokerSettings]: (value: unknown) => boolean } = {
  parentPid: (value) => isInteger(value, 1, 2 ** 31 - 1),
  clientPath: isPath,
  places: (value) => isListOf(value, isPlace),
  domainNumber: (value) => isInteger(value, 0, 255),
  transportSpecific: (value) => isInteger(value, 0, 15),
  clockIdentity: (value) =>
    value === null || (typeof value === 'string' && /^[0-9a-f]{16}$/u.test(value)),
  allowedUids: (value) => isListOf(value, (uid) => isInteger(uid, 0, 2 ** 32 - 2)),
  intervalMs: (value) => isInteger(value, 20, 60_000),
  deadlineMs: (value) => isInteger(value, 10, 60_000),
};

/** @throws TypeError */
export function parseBrokerSettings(json: string): BrokerSettings {
  const given: unknown = JSON.parse(json);
  if (typeof given !== 'object' || given === null) throw new TypeError('settings: not an object');
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(CHECKS, name));
  if (unknown.length > 0) throw new TypeError(`settings: '${unknown.join("', '")}' is none`);
  const settings: Readonly<Record<string, unknown>> = { ...defaults, ...given };
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = settings[name];
    if (!check(value)) throw new TypeError(`settings: ${name} is ${JSON.stringify(value)}`);
  }
  return settings as unknown as BrokerSettings;
}

function isPlace(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { path, access } = value as Partial<ServerPlace>;
  return isPath(path) && (access === 'read-only' || access === 'read-write');
}
