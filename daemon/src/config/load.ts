/**
 * The settings in force: flags over environment over file over defaults. Nothing unknown is passed
 * over: a key, a variable that begins with KUDURRU_, or a value outside its range stops the start,
 * with the place it came from and what would be accepted.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { parse } from 'smol-toml';

import { KudurruError, wrapError } from '../base/errors.ts';
import {
  flagOf,
  SETTING_NAMES,
  SETTINGS,
  variableOf,
  type Row,
  type SettingName,
  type Settings,
} from './schema.ts';
import { NO_TIME_TABLE, readTimeTable, type TimeTable } from './time-table.ts';

export interface LoadInput {
  /** Flags given, by their name without dashes; `state` and `config` among them. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentFolder: string;
}

export interface Configuration {
  /** Absolute path of the state folder. */
  readonly state: string;
  readonly settings: Settings;
  /** Where each setting's value came from, for `--print-config` and for messages. */
  readonly sources: Readonly<Record<SettingName, string>>;
  readonly time: TimeTable;
}

/** The default state folder, in the folder the daemon is started in. */
export const defaultStateFolder = '.kudurru';

/** Bytes of the configuration file that are read at most; ours has some twenty lines. */
const fileSizeBytesMax = 65_536;

interface Given {
  readonly value: unknown;
  readonly source: string;
}

/** @throws KudurruError `config-unreadable`, `config-unknown-key`, `config-invalid` */
export function loadConfiguration(input: LoadInput): Configuration {
  const { flags, environment, currentFolder } = input;
  const state = resolve(
    currentFolder,
    flags['state'] ?? environment['KUDURRU_STATE'] ?? defaultStateFolder,
  );
  const file = flags['config'] ?? environment['KUDURRU_CONFIG'];
  const { given: fromFile, time } =
    file === undefined
      ? { given: {}, time: NO_TIME_TABLE }
      : readFile(resolve(currentFolder, file));
  refuseUnknownVariables(environment);
  const settings: Record<string, string | number> = {};
  const sources: Record<string, string> = {};
  for (const name of SETTING_NAMES) {
    const given = valueFor(name, { flags, environment, fromFile });
    settings[name] = accept(name, given, { state, currentFolder });
    sources[name] = given.source;
  }
  requireOrder(settings, ['diskLowMib', 'diskEnoughMib']);
  requireOrder(settings, ['queueLowPercent', 'queueHighPercent']);
  requireOrder(settings, ['agentQueueMib', 'queueMib'], 'at most');
  // Each name of the schema was set from its row, by a check that follows the row's kind.
  return { state, settings: settings as unknown as Settings, sources: sources as never, time };
}

/** @throws KudurruError `config-invalid` where the first is not below the second */
function requireOrder(
  settings: Readonly<Record<string, string | number>>,
  [low, high]: readonly [SettingName, SettingName],
  relation: 'below' | 'at most' = 'below',
): void {
  const [below, above] = [Number(settings[low]), Number(settings[high])];
  if (below < above || (relation === 'at most' && below === above)) return;
  throw new KudurruError(
    'config-invalid',
    `settings not accepted: "${low}" is ${below} and "${high}" is ${above}; ` +
      `the first must be ${relation} the second`,
  );
}

interface Origins {
  readonly flags: LoadInput['flags'];
  readonly environment: LoadInput['environment'];
  readonly fromFile: Readonly<Record<string, Given>>;
}

function valueFor(name: SettingName, { flags, environment, fromFile }: Origins): Given {
  const flag = flags[flagOf(name)];
  if (flag !== undefined) return { value: fromText(name, flag), source: `--${flagOf(name)}` };
  const variable = environment[variableOf(name)];
  if (variable !== undefined) {
    return { value: fromText(name, variable), source: variableOf(name) };
  }
  return fromFile[name] ?? { value: SETTINGS[name].default, source: 'default' };
}

/** Flags and variables are text; a number in them is decimal digits and nothing else. */
function fromText(name: SettingName, text: string): unknown {
  return SETTINGS[name].kind === 'integer' && /^\d{1,15}$/u.test(text) ? Number(text) : text;
}

function accept(
  name: SettingName,
  given: Given,
  folders: { readonly state: string; readonly currentFolder: string },
): string | number {
  const row: Row = SETTINGS[name];
  const problem = problemOf(row, given.value);
  if (problem !== null) {
    throw new KudurruError(
      'config-invalid',
      `setting "${name}" not accepted: ${JSON.stringify(given.value)} from ${given.source} ` +
        `is not ${problem}`,
    );
  }
  if (typeof given.value === 'number') return given.value;
  const text = String(given.value).replaceAll('{state}', folders.state);
  return row.kind === 'path' ? resolve(folders.currentFolder, text) : text;
}

/** What the value should be, or null where it is that. */
function problemOf(row: Row, value: unknown): string | null {
  switch (row.kind) {
    case 'integer': {
      const fits =
        typeof value === 'number' &&
        Number.isInteger(value) &&
        value >= row.min &&
        value <= row.max;
      return fits ? null : `a whole number of ${row.unit} from ${row.min} to ${row.max}`;
    }
    case 'choice':
      return typeof value === 'string' && row.choices.includes(value)
        ? null
        : `one of ${row.choices.join(', ')}`;
    default:
      return typeof value === 'string' && row.pattern.test(value) ? null : row.form;
  }
}

interface FromFile {
  readonly given: Readonly<Record<string, Given>>;
  readonly time: TimeTable;
}

function readFile(file: string): FromFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw wrapError('config-unreadable', `configuration file "${file}" not read`, cause);
  }
  if (text.length > fileSizeBytesMax) {
    throw new KudurruError(
      'config-unreadable',
      `configuration file "${file}" not read: it is longer than ${fileSizeBytesMax} bytes`,
    );
  }
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (cause) {
    throw wrapError('config-unreadable', `configuration file "${file}" is not TOML`, cause);
  }
  const given: Record<string, Given> = {};
  const { time, ...flat } = table;
  for (const [key, value] of Object.entries(flat)) {
    refuseUnknown(key, SETTING_NAMES, `key "${key}" in "${file}"`);
    given[key] = { value, source: `"${file}"` };
  }
  return { given, time: time === undefined ? NO_TIME_TABLE : readTimeTable(time, file) };
}

/** Variables of the daemon's name space that are not settings. */
const otherVariables = ['KUDURRU_STATE', 'KUDURRU_CONFIG', 'KUDURRU_AGENT', 'KUDURRU_KEY'];

function refuseUnknownVariables(environment: LoadInput['environment']): void {
  const known = [...otherVariables, ...SETTING_NAMES.map(variableOf)];
  for (const name of Object.keys(environment)) {
    if (name.startsWith('KUDURRU_')) refuseUnknown(name, known, `variable "${name}"`);
  }
}

function refuseUnknown(name: string, known: readonly string[], what: string): void {
  if (known.includes(name)) return;
  const near = nearest(name, known);
  throw new KudurruError(
    'config-unknown-key',
    `${what} is not a setting: ` +
      (near.length > 0 ? `did you mean ${near.join(' or ')}? ` : '') +
      `known are ${known.join(', ')}`,
  );
}

/** The known names that differ from `name` by a few typing errors. */
function nearest(name: string, known: readonly string[]): string[] {
  const editsMax = 3;
  return known.filter(
    (candidate) =>
      distance(name.toLowerCase(), candidate.toLowerCase()) <= editsMax ||
      candidate.toLowerCase().startsWith(name.toLowerCase()),
  );
}

/** Levenshtein distance, one row of the table at a time. */
function distance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 0; i < left.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < right.length; j++) {
      const replaced = (previous[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j + 1] ?? 0) + 1, (current[j] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
