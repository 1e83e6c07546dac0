/** A long run that is a program of its own: its lines are passed on, its exit code is a finding. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { SoakResult } from './soak.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
/** The last lines of one that fails: what it found. */
const keptLines = 40;

/** Runs `node` with these words, in the checkout. */
export async function runProgram(
  words: readonly string[],
  say: (line: string) => void,
): Promise<SoakResult> {
  const child = spawn(process.execPath, words, {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kept: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    say(line);
    kept.push(line);
    if (kept.length > keptLines) kept.shift();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const findings = code === 0 ? [] : [`${words.join(' ')} ended with ${code}:`, ...kept];
  return { counts: { programs: 1 }, findings };
}
