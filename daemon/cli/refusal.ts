/** What the parts of the daemon refuse, as a command's refusal: their code, their words. */
import { isKudurruError } from '../src/base/errors.ts';
import { EXIT, Failure } from './exit-code.ts';

/** Found while settings are read: the command was used wrongly. */
const wrongUseCodes: ReadonlySet<string> = new Set([
  'config-invalid',
  'config-unknown-key',
  'config-unreadable',
]);

/** The value of `work`; its KudurruError as exit 1, or 2 for settings. */
export async function orRefusal<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!isKudurruError(error) || error.code === 'assertion-failed') throw error;
    const { code, message } = error;
    const exitCode = wrongUseCodes.has(code) ? EXIT.wrongUse : EXIT.foundBad;
    throw new Failure(exitCode, message, { code, cause: error });
  }
}
