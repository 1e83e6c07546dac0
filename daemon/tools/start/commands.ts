/** Runs `kudurru` as a person would: a process of its own, and the line that was typed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command, and the server of the tour, as they stand in this checkout. */
export const kudurruProgram = fileURLToPath(new URL('../../cli/kudurru.ts', import.meta.url));
export const fileServerProgram = fileURLToPath(
  new URL('../../../node_modules/.bin/mcp-server-filesystem', import.meta.url),
);

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits for the end, whatever its exit code. */
export async function runKudurru(words: readonly string[], stop: AbortSignal): Promise<Ended> {
  const child = spawn(process.execPath, [kudurruProgram, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: stop,
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (code) => resolve(code ?? 1));
  const exitCode = await promise;
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** The words as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  const quoted = words.map((word) => (/^[\w@%+=:,./-]+$/u.test(word) ? word : `"${word}"`));
  return ['npx', 'kudurru', ...quoted].join(' ');
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString();
}
