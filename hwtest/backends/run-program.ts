/** Runs a program of the emulators' packages to its end. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { KudurruError } from '../../daemon/src/base/errors.ts';

const execute = promisify(execFile);

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Its standard output. @throws KudurruError `device-emulator-failed` with what it said */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  try {
    const { stdout } = await execute(program, [...args], {
      cwd: '/',
      timeout: options.timeoutMs ?? 60_000,
      env: { ...process.env, ...options.environment },
    });
    return stdout;
  } catch (error) {
    const { code, stderr, stdout } = error as { code?: unknown; stderr?: string; stdout?: string };
    if (code === 'ENOENT') {
      throw emulatorFailed(`'${program}' not run`, 'it is not installed; "npm start" says how');
    }
    throw emulatorFailed(`'${program}' failed`, (stderr || stdout || String(error)).trim());
  }
}

export function emulatorFailed(what: string, why: string): KudurruError {
  return new KudurruError('device-emulator-failed', `${what}: ${why}`);
}
