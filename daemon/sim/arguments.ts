/** The few words `npm run sim -- …` takes. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface SimOptions {
  readonly help: boolean;
  /** Both inclusive. */
  readonly first: bigint;
  readonly last: bigint;
  /** A canary of the list, or undefined. */
  readonly canary: string | undefined;
  /** Every canary, each caught and replayed, instead of seeds. */
  readonly allCanaries: boolean;
  /** One crash at every so many calls and steps; 0: none planned. */
  readonly sweep: number;
  readonly crashAtCall: number | undefined;
  readonly crashAtStep: number | undefined;
  readonly trace: boolean;
  /** Absolute path of the file that gets the totals, or undefined. */
  readonly json: string | undefined;
}

export const usage = `Usage: npm run sim -- [--seed N | --seeds FIRST-LAST] [--trace] [--json FILE]
       npm run sim -- --seed N --canary NAME
       npm run sim -- --canaries
       npm run sim -- --seeds FIRST-LAST --sweep STRIDE
       npm run sim -- --seed N (--crash-at-call N | --crash-at-step N)

Runs the native core in simulated worlds: a disk that fails, lies or is full, a process that is
killed, a box that loses power, agents that come and go. A seed decides everything; the same seed
is the same run, to the byte. After every step the invariants are checked; the first that is broken
ends its run.

  --seed N              that seed alone
  --seeds FIRST-LAST    all of these (1-100)
  --trace               print each step and each call of the disk
  --json FILE           write the totals as one JSON object
  --canary NAME         with a seeded bug, which must be caught
  --canaries            list all seeded bugs, with the seed and step at which each is caught, and
                        run each of these seeds again: the same step and trace, or it fails
  --sweep STRIDE        no chance faults; each seed again and again, with one crash, at every
                        STRIDE-th call of the disk and before every STRIDE-th step
  --crash-at-call N     one run of a sweep
  --crash-at-step N     one run of a sweep

Prints a line for each seed that broke an invariant, with the step and how to run it again, then
what the worlds went through. Exit codes: 0 all held (with --canaries: each was caught); 1 one was
broken; 2 wrong use.
`;

const seedMax = 2n ** 64n - 1n;

/** @throws RangeError or TypeError, with words for the person */
export function parseSim(words: readonly string[]): SimOptions {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...words],
    options: {
      help: { ...flag, short: 'h' },
      seed: text,
      seeds: text,
      canary: text,
      canaries: flag,
      sweep: text,
      'crash-at-call': text,
      'crash-at-step': text,
      trace: flag,
      json: text,
    },
  });
  if (values.seed !== undefined && values.seeds !== undefined) {
    throw new RangeError('--seed and --seeds exclude each other');
  }
  const [first, last] = seedsOf(values.seed ?? values.seeds ?? '1-100');
  return {
    help: values.help,
    first,
    last,
    canary: values.canary,
    allCanaries: values.canaries,
    sweep: countOf('--sweep', values.sweep) ?? 0,
    crashAtCall: countOf('--crash-at-call', values['crash-at-call']),
    crashAtStep: countOf('--crash-at-step', values['crash-at-step']),
    trace: values.trace,
    json: values.json === undefined ? undefined : resolve(values.json),
  };
}

function seedsOf(words: string): [bigint, bigint] {
  const found = /^(\d{1,20})(?:-(\d{1,20}))?$/.exec(words);
  const first = BigInt(found?.[1] ?? -1);
  const last = BigInt(found?.[2] ?? first);
  if (first < 0n || last < first || last > seedMax) {
    throw new RangeError(`seeds are a number, or two as in 1-100, found "${words}"`);
  }
  return [first, last];
}

function countOf(name: string, words: string | undefined): number | undefined {
  if (words === undefined) return undefined;
  const count = Number(words);
  if (!/^\d+$/.test(words) || !Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`${name} is a number from 1 on, found "${words}"`);
  }
  return count;
}
