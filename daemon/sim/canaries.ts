/** Every seeded bug is caught by its invariant, and the seed that shows it shows it again. */
import { isDeepStrictEqual } from 'node:util';

import { listCanaries, runNow, type Canary, type Outcome } from './program.ts';

/** Seeds that a canary may take until it is caught; each is caught far earlier. */
export const CANARY_SEEDS_MAX = 400;

export interface Caught {
  readonly canary: Canary;
  /** The run that broke the named invariant, or undefined where none did. */
  readonly outcome: Outcome | undefined;
  /** The seed run again gave the same outcome: step, message, trace and counts. */
  readonly isReplayed: boolean;
}

/** One canary after another. */
export function* catchAll(program: string): Generator<Caught> {
  for (const canary of listCanaries(program)) yield catchOne(program, canary);
}

export function catchOne(program: string, canary: Canary): Caught {
  const { name, invariant } = canary;
  const outcome = runNow(program, [
    ...['--seeds', `1-${CANARY_SEEDS_MAX}`],
    ...['--canary', name, '--until', invariant],
  ]).find((one) => one.invariant === invariant);
  if (outcome === undefined) return { canary, outcome, isReplayed: false };
  const again = runNow(program, ['--seeds', String(outcome.seed), '--canary', name]);
  return { canary, outcome, isReplayed: isDeepStrictEqual(again, [outcome]) };
}
