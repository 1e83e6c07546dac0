/** The native side: `kudurru-sim`, built here, which prints one JSON line for each run. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const checkout = join(import.meta.dirname, '..', '..');
const build = join(checkout, 'native', 'build', 'sim');

/** As `npm run sim` builds it; the tests' own has sanitizers and is in native/build/test. */
export const simProgram = join(build, 'kudurru-sim');

/** How one run ended. */
export interface Outcome {
  readonly seed: number;
  readonly mode: 'friendly' | 'failing' | 'hostile';
  /** The one that was broken; empty where all held. */
  readonly invariant: string;
  readonly message: string;
  /** The last step. */
  readonly step: number;
  /** Calls of the disk that can change something. */
  readonly calls: number;
  readonly entries: number;
  readonly crashAtCall: number;
  readonly crashAtStep: number;
  /** Of everything that happened, in order. */
  readonly traceHash: string;
  /** What the world went through, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A seeded bug and the invariant that must catch it. */
export interface Canary {
  readonly name: string;
  readonly invariant: string;
  readonly bug: string;
}

/** Quick when nothing has changed. */
export function buildProgram(): void {
  for (const parameters of [
    ['-S', join(checkout, 'native'), '-B', build, '-G', 'Unix Makefiles', '-DKUDURRU_SIM=ON'],
    ['--build', build, '--target', 'kudurru-sim', `-j${availableParallelism()}`],
  ]) {
    execFileSync('cmake', parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

export function listCanaries(program: string): readonly Canary[] {
  const { stdout } = spawnSync(program, ['--canaries'], { encoding: 'utf8' });
  return linesOf(stdout).map((line) => JSON.parse(line) as Canary);
}

/** All outcomes of a call that is short. */
export function runNow(program: string, words: readonly string[]): readonly Outcome[] {
  const { stdout, stderr, status, signal } = spawnSync(program, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0 && status !== 1) throw endedBadly(words, signal ?? status, stderr);
  return linesOf(stdout).map((line) => JSON.parse(line) as Outcome);
}

/** Gives each outcome as it comes; `print` gets the lines of a trace. */
export async function* runEach(
  words: readonly string[],
  print: (line: string) => void,
): AsyncGenerator<Outcome> {
  const child = spawn(simProgram, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | string>();
  child.once('error', reject);
  child.once('close', (code, signal) => resolve(signal ?? code ?? 'nothing'));
  for await (const line of createInterface({ input: child.stdout })) {
    // It is our own program: its output is what this file says it is.
    if (line.startsWith('{')) yield JSON.parse(line) as Outcome;
    else print(line);
  }
  const code = await ended;
  if (code !== 0 && code !== 1) throw endedBadly(words, code, '');
}

function endedBadly(words: readonly string[], code: unknown, said: string): Error {
  return new Error(`kudurru-sim ${words.join(' ')} ended with ${String(code)}\n${said}`.trim());
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
