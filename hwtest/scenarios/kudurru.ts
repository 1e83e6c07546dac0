/** The command, run to its end as people run it. */
import { spawn } from 'node:child_process';

import { commandProgram } from './scenario.ts';

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly currentFolder: string;
  /** Transport to the TPM, where it is not the state folder's own. */
  readonly tcti?: string;
  /** Added to its environment, which has little else. */
  readonly environment?: Readonly<Record<string, string>>;
  /** SIGKILL when it resolves, and for the device helper with it. */
  readonly killWhen?: Promise<void>;
}

export async function kudurru(
  words: readonly string[],
  { currentFolder, tcti, environment, killWhen }: CommandOptions,
): Promise<CommandEnd> {
  const child = spawn(process.execPath, [commandProgram, ...words], {
    cwd: currentFolder,
    env: {
      PATH: process.env['PATH'],
      ...(tcti === undefined ? {} : { KUDURRU_TCTI: tcti }),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  void killWhen?.then(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
