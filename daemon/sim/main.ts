/**
 * The native core in simulated worlds: `npm run sim`. README.md here says what is simulated and
 * what is not. Results go to stdout, progress to stderr.
 */
import { writeFileSync } from 'node:fs';

import { reasonOf } from '../src/base/errors.ts';
import { parseSim, usage, type SimOptions } from './arguments.ts';
import { catchAll } from './canaries.ts';
import { buildProgram, listCanaries, runEach, simProgram } from './program.ts';
import { brokenLine, caughtLine, Totals } from './report.ts';

const EXIT = { held: 0, broken: 1, wrongUse: 2 } as const;
const sayEvery = 100;

async function main(words: readonly string[]): Promise<number> {
  let options: SimOptions;
  try {
    options = parseSim(words);
  } catch (error) {
    process.stderr.write(`sim: ${reasonOf(error)}\n${usage}`);
    return EXIT.wrongUse;
  }
  if (options.help) {
    process.stdout.write(usage);
    return EXIT.held;
  }
  say('building kudurru-sim');
  buildProgram();
  const { canary } = options;
  const canaries = listCanaries(simProgram).map(({ name }) => name);
  if (canary !== undefined && !canaries.includes(canary)) {
    process.stderr.write(`sim: --canary is one of ${canaries.join(', ')}, found "${canary}"\n`);
    return EXIT.wrongUse;
  }
  return options.allCanaries ? runCanaries() : runSeeds(options);
}

function runCanaries(): number {
  let allCaught = true;
  for (const caught of catchAll(simProgram)) {
    process.stdout.write(caughtLine(caught));
    allCaught &&= caught.outcome !== undefined && caught.isReplayed;
  }
  return allCaught ? EXIT.held : EXIT.broken;
}

async function runSeeds(options: SimOptions): Promise<number> {
  const { first, last, canary, json } = options;
  say(first === last ? `seed ${first}` : `seeds ${first} to ${last}`);
  const totals = new Totals();
  let seeds = 0;
  let seed: number | undefined;
  for await (const outcome of runEach(wordsOf(options), (line) => print(`${line}\n`))) {
    totals.add(outcome);
    if (outcome.invariant !== '') print(brokenLine(outcome, canary));
    if (outcome.seed === seed) continue;
    seed = outcome.seed;
    seeds += 1;
    if (seeds % sayEvery === 0) say(`${seeds} seeds, the last ${seed}`);
  }
  print(totals.lines());
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(totals, null, 2)}\n`);
  return totals.broken.length === 0 ? EXIT.held : EXIT.broken;
}

function wordsOf(options: SimOptions): string[] {
  const { first, last, canary, sweep, crashAtCall, crashAtStep, trace } = options;
  const given: readonly (readonly [string, string | number | undefined])[] = [
    ['--seeds', `${first}-${last}`],
    ['--canary', canary],
    ['--sweep', sweep === 0 ? undefined : sweep],
    ['--crash-at-call', crashAtCall],
    ['--crash-at-step', crashAtStep],
  ];
  return [
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...(trace ? ['--trace'] : []),
  ];
}

function print(words: string): void {
  process.stdout.write(words);
}

function say(words: string): void {
  process.stderr.write(`sim: ${words}\n`);
}

process.exitCode = await main(process.argv.slice(2));
