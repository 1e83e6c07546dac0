/** The few words `npm start -- …` takes. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { wrapError } from '../../src/base/errors.ts';

export interface StartOptions {
  readonly state: string | undefined;
  readonly wantsTour: boolean;
}

/** @throws KudurruError `config-invalid` */
export function parseStart(words: readonly string[]): StartOptions {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: { state: { type: 'string' }, 'no-tour': { type: 'boolean' } },
    });
    return { state: values.state, wantsTour: values['no-tour'] !== true };
  } catch (cause) {
    const what = 'command line not understood, there is --state DIR and --no-tour';
    throw wrapError('config-invalid', what, cause);
  }
}

/** Where the emulators of a state folder keep theirs; the daemon's default settings look there. */
export function devicesFolderOf(state: string): string {
  return join(state, 'devices');
}
