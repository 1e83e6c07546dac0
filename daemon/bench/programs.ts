/** The native side of the bench: built here, run as processes of their own, one JSON line each. */
import { execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const checkout = join(import.meta.dirname, '..', '..');
const build = join(checkout, 'native', 'build', 'bench');

export type ProgramName = 'load-generator' | 'bare-verify' | 'bare-sync' | 'clock-now';

/** Quick when nothing has changed. */
export function buildPrograms(): void {
  for (const parameters of [
    ['-S', join(checkout, 'native'), '-B', build, '-G', 'Unix Makefiles', '-DKUDURRU_BENCH=ON'],
    ['--build', build, `-j${availableParallelism()}`],
  ]) {
    execFileSync('cmake', parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

/** Durations of a run, in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export interface LoadFigures {
  readonly submitted: number;
  readonly committed: number;
  readonly actions: number;
  /** From the first submission to the last receipt. */
  readonly seconds: number;
  readonly latency: Latency;
  readonly refusals: Readonly<Record<string, number>>;
  /** Submissions committed for the connection that got the fewest, and for the median one. */
  readonly slowestConnection: number;
  readonly medianConnection: number;
  readonly cpuSeconds: number;
}

export interface SyncFigures {
  readonly bytes: number;
  readonly latency: Latency;
}

export interface VerifyFigures {
  readonly threads: number;
  readonly checks: number;
  readonly perSecond: number;
}

/** Of one time, in nanoseconds: the median of many rounds, and what one in a hundred takes. */
export interface ClockFigures {
  readonly readNs: number;
  readonly readP99Ns: number;
  readonly nowNs: number;
  readonly nowP99Ns: number;
}

/** What the program printed. @throws Error where it failed, or `stop` ended it */
export async function runProgram<Figures>(
  name: ProgramName,
  parameters: Readonly<Record<string, string | number>>,
  stop: AbortSignal,
): Promise<Figures> {
  const words = Object.entries(parameters).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const child = spawn(join(build, `bench_${name}`), words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: stop,
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise;
  if (code !== 0) throw new Error(`${name} failed with exit code ${code}`);
  // It is our own program: its output is what this file says it is.
  return JSON.parse(Buffer.concat(chunks).toString()) as Figures;
}
