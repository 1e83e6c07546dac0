/** The command line of `kudurrud`: a flag for each setting, and a few of its own. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

import { wrapError } from '../base/errors.ts';
import { flagOf, SETTING_NAMES } from './schema.ts';

export interface Arguments {
  readonly wanted: 'run' | 'help' | 'version' | 'print-config';
  /** By flag without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

const ownFlags = ['help', 'version', 'print-config'] as const;

/** @throws KudurruError `config-invalid` */
export function parseArguments(words: readonly string[]): Arguments {
  const options: NonNullable<ParseArgsConfig['options']> = {
    state: { type: 'string' },
    config: { type: 'string' },
  };
  for (const flag of ownFlags) options[flag] = { type: 'boolean' };
  for (const name of SETTING_NAMES) options[flagOf(name)] = { type: 'string' };
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ args: [...words], options, strict: true, allowPositionals: false }));
  } catch (cause) {
    throw wrapError('config-invalid', 'command line not understood', cause);
  }
  const flags: Record<string, string> = {};
  for (const [flag, value] of Object.entries(values)) {
    if (typeof value === 'string') flags[flag] = value;
  }
  return { wanted: ownFlags.find((flag) => values[flag] === true) ?? 'run', flags };
}
