/**
 * The table `[time]` of the configuration file. What an appliance may take its time from, operators
 * order in a time profile; here stands what they cannot know: the level that each agent waits for.
 *
 *     [time.requireLevel]
 *     trader = "LOCKED"
 */
import { TIME_LEVELS, type TimeLevel } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

export interface TimeTable {
  /** By an agent's name: its submissions are refused while the level of time is lower. */
  readonly requireLevel: Readonly<Record<string, TimeLevel>>;
}

export const NO_TIME_TABLE: TimeTable = { requireLevel: {} };

const agentsMax = 4096;
const agentName = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

/** @throws KudurruError `config-unknown-key`, `config-invalid` */
export function readTimeTable(value: unknown, file: string): TimeTable {
  const table = tableOf(value, { name: 'time', file });
  const known = ['requireLevel'];
  const unknown = Object.keys(table).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new KudurruError(
      'config-unknown-key',
      `key "time.${unknown}" in "${file}" is not a setting: ` +
        `known are time.${known.join(', time.')}`,
    );
  }
  return { requireLevel: readLevels(table['requireLevel'] ?? {}, file) };
}

function readLevels(value: unknown, file: string): TimeTable['requireLevel'] {
  const table = tableOf(value, { name: 'time.requireLevel', file });
  const names = Object.keys(table);
  if (names.length > agentsMax) {
    throw invalid(file, `"time.requireLevel" names more than ${agentsMax} agents`);
  }
  return Object.fromEntries(names.map((name) => [name, levelOf(name, table[name], file)]));
}

function levelOf(name: string, value: unknown, file: string): TimeLevel {
  if (!agentName.test(name)) {
    throw invalid(file, `"time.requireLevel.${name}" is not the name of an agent`);
  }
  const level = TIME_LEVELS.find((known) => known === value);
  if (level !== undefined) return level;
  throw invalid(
    file,
    `"time.requireLevel.${name}" is ${JSON.stringify(value)}, not one of ${TIME_LEVELS.join(', ')}`,
  );
}

function tableOf(
  value: unknown,
  { name, file }: { readonly name: string; readonly file: string },
): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalid(file, `"${name}" is not a table`);
}

function invalid(file: string, what: string): KudurruError {
  return new KudurruError('config-invalid', `settings not accepted: ${what}, in "${file}"`);
}
