/**
 * `npm run soak -- [NAME…]`: the long runs, one after another. Each prints what it does and, at its
 * end, what it did. Exit codes: 0 nothing found; 1 a finding; 2 wrong use.
 */
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { anchorStepsSoak } from './anchor-steps.ts';
import { anchorsSoak } from './anchors.ts';
import { byteFlips } from './byte-flips.ts';
import { deviceLoss } from './device-loss.ts';
import { faults } from './faults.ts';
import { fuzz } from './fuzz.ts';
import { killCycles } from './kill-cycles.ts';
import { load } from './load.ts';
import { sim } from './sim.ts';
import { provisionSteps } from './provision-steps.ts';
import type { Soak, SoakResult } from './soak.ts';
import { syncs } from './syncs.ts';

const SOAKS: readonly Soak[] = [
  killCycles,
  faults,
  syncs,
  sim,
  byteFlips,
  fuzz,
  load,
  deviceLoss,
  anchorStepsSoak,
  anchorsSoak,
  provisionSteps,
];
const minutesDefault = 10;
const minutesMax = 10_080;
const seedMax = 2 ** 31;

const manual = `NAME
  soak - long runs against the real daemon, outside the test run

SYNOPSIS
  npm run soak -- [NAME ...] [--minutes N] [--seed N] [--json FILE]
                  [--continue] [--table FILE]
  npm run soak -- --help

DESCRIPTION
  Runs each NAME for N minutes, all of them when none is named. A line for
  each thing done goes to stdout, then a summary: counts, seed, duration, and
  what was found. A run that finds something goes on to its own end; the next
  one is run all the same.

NAMES
${SOAKS.map(({ name, about }) => `  ${name.padEnd(17)}${about}`).join('\n')}

OPTIONS
  --minutes N   for each NAME, 1 to ${minutesMax}. Default ${minutesDefault}.
                What was begun is finished.
  --seed N      of all that is drawn at random, 0 to ${seedMax - 1}. Default: a new one,
                which is printed.
  --json FILE   writes the summaries as JSON; "provision-steps" also after each
                box, so that what was done is there when it is interrupted.
  --continue    with "provision-steps": goes on from what FILE of --json says,
                and adds to it. Findings of before are not kept.
  --table FILE  with "faults" and "syncs": writes their tables into FILE, between
                the marks that are there.

EXIT STATUS
  0   nothing was found
  1   something was found: the last lines say what
  2   wrong use

EXAMPLES
  An hour of kill cycles:
    npm run soak -- kill-cycles --minutes 60
  The table of faults anew, and into the documentation:
    npm run soak -- faults --minutes 60 --table hwtest/README.md
`;

interface Summary extends SoakResult {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
}

interface Order {
  readonly soaks: readonly Soak[];
  readonly minutes: number;
  readonly seed: number;
  readonly jsonFile: string | null;
  readonly tableFile: string | null;
  readonly goesOn: boolean;
}

/** Null where help was asked for. @throws Error, which says what is wrong */
function parseOrder(words: readonly string[]): Order | null {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      minutes: { type: 'string', default: String(minutesDefault) },
      seed: { type: 'string', default: String(randomInt(seedMax)) },
      json: { type: 'string' },
      table: { type: 'string' },
      continue: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (values.continue && values.json === undefined) throw new Error('--continue needs --json FILE');
  const soaks = positionals.map((name) => {
    const found = SOAKS.find((soak) => soak.name === name);
    if (found !== undefined) return found;
    throw new Error(`no run '${name}': there are ${SOAKS.map((soak) => soak.name).join(', ')}`);
  });
  return {
    soaks: soaks.length === 0 ? SOAKS : soaks,
    minutes: wholeNumber('--minutes', values.minutes, { min: 1, max: minutesMax }),
    seed: wholeNumber('--seed', values.seed, { min: 0, max: seedMax - 1 }),
    jsonFile: values.json ?? null,
    tableFile: values.table ?? null,
    goesOn: values.continue,
  };
}

function wholeNumber(flag: string, text: string, range: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d{1,15}$/u.test(text) && value >= range.min && value <= range.max) return value;
  throw new Error(`${flag} '${text}' is not a whole number from ${range.min} to ${range.max}`);
}

/** One run; `keep` is given its summary, also while it is under way. */
async function runOne(soak: Soak, order: Order, keep: (summary: Summary) => void): Promise<void> {
  const { minutes, seed, tableFile } = order;
  const folder = mkdtempSync(join(tmpdir(), 'kudurru-soak-'));
  const startedMs = performance.now();
  const say = (line: string): void => void process.stdout.write(`${soak.name}: ${line}\n`);
  const before = order.goesOn ? summaryBefore(soak, order) : null;
  say(`begins, seed ${seed}`);
  const save = (result: SoakResult): number => {
    const seconds = Math.round((performance.now() - startedMs) / 1000) + (before?.seconds ?? 0);
    keep({ name: soak.name, seed, seconds, ...result });
    return seconds;
  };
  try {
    const common = { minutes, seed, folder, tableFile, before, say };
    const result = await soak.run({ ...common, save: (soFar) => void save(soFar) });
    const seconds = save(result);
    const counts = Object.entries(result.counts).map(([what, count]) => `${count} ${what}`);
    for (const finding of result.findings) say(`FOUND ${finding}`);
    say(`${counts.join('; ')} in ${seconds} s, seed ${seed}: ${result.findings.length} findings`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the file that an earlier run has written; it is ours. */
function summaryBefore(soak: Soak, { jsonFile }: Order): Summary | null {
  if (jsonFile === null || !existsSync(jsonFile)) return null;
  const summaries = JSON.parse(readFileSync(jsonFile, 'utf8')) as readonly Summary[];
  return summaries.find(({ name }) => name === soak.name) ?? null;
}

async function main(words: readonly string[]): Promise<number> {
  let order: Order | null;
  try {
    order = parseOrder(words);
  } catch (error) {
    process.stderr.write(`soak: ${String(error)}\nTry: npm run soak -- --help\n`);
    return 2;
  }
  if (order === null) {
    process.stdout.write(manual);
    return 0;
  }
  const { jsonFile } = order;
  const summaries = new Map<string, Summary>();
  for (const soak of order.soaks) {
    await runOne(soak, order, (summary) => {
      summaries.set(soak.name, summary);
      const text = JSON.stringify([...summaries.values()], null, 2);
      if (jsonFile !== null) writeFileSync(jsonFile, `${text}\n`);
    });
  }
  return [...summaries.values()].some(({ findings }) => findings.length > 0) ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
