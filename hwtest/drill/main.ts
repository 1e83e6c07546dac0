/**
 * `npm run drill -- NAME…`: things go wrong with the time, where the true time is known. Exit
 * codes: 0 everything held; 1 something did not; 2 wrong use; 3 no lab can be had here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { labRefusal } from '../lab/lab.ts';
import { fetchNewerLinuxptp, NEWER_LINUXPTP_MISSING, newerLinuxptp } from '../lab/linuxptp.ts';
import { withDrills } from './drill-table.ts';
import type { Drill, DrillResult } from './drill.ts';
import { DRILLS } from './drills.ts';
import { measureFigures } from './figures.ts';
import { runDrill } from './run-drill.ts';

const manual = `NAME
  drill - what is believed of the time while things go wrong, against the truth

SYNOPSIS
  npm run drill -- NAME ... [--json FILE] [--table FILE] [--record FOLDER]
  npm run drill -- all [--json FILE] [--table FILE] [--record FOLDER]
  npm run drill -- --figures [--json FILE]
  npm run drill -- --list | --fetch-linuxptp | --help

DESCRIPTION
  Runs each NAME in a lab of its own: stock ptp4l in network namespaces and a
  GNSS receiver on a pseudo-terminal, on clocks whose true error is known. The
  host's clock is never set. Needs root.

  A real appliance, provisioned and with a signed time profile, shares the
  client's clock and takes an agent's actions meanwhile; each must have its
  receipt, and be in a log that fsck finds whole.

  Each drill prints its time line: what happens, and what the entries of that
  log say of the time: the level, how wrong the time really is, in the
  adversarial window (and the statistical one), and what the newest evidence
  finds of each source. OUTSIDE marks an entry whose truth was outside the
  adversarial window while its level was LOCKED or better.

  A drill that takes away what the window rests on (its line in --list says
  what) is not failed by that; every other one is.

OPTIONS
  --json FILE        for each drill its name, the levels passed through, the
                     worst true error, whether the truth was ever outside the
                     adversarial window while LOCKED or better, actions lost
  --table FILE       writes their rows of the table of drills in FILE, which is
                     hwtest/README.md
  --record FOLDER    writes the evidence of each change of the level, with its
                     frames and the truth, into FOLDER/NAME.json
  --figures          how soon a lost grandmaster shows in the level, of a dozen
                     losses; how wide the windows are, locked and in holdover
  --list             the drills
  --fetch-linuxptp   linuxptp 4 from Debian 13 into the user's cache, for the
                     drills that need it; they are left out where it is not there

EXIT STATUS
  0   everything held
  1   something did not: the last lines say what
  2   wrong use
  3   no lab can be had here

EXAMPLES
  npm run drill -- grandmaster-killed
  npm run drill -- all --json drills.json
`;

interface Order {
  readonly drills: readonly Drill[];
  readonly jsonFile: string | null;
  readonly tableFile: string | null;
  readonly recordIn: string | null;
}

interface Files {
  readonly json?: string | undefined;
  readonly table?: string | undefined;
  readonly record?: string | undefined;
}

/** @throws Error, which says what is wrong */
function parseOrder(names: readonly string[], files: Files): Order {
  if (names.length === 0) throw new Error('no drill is named; "all" runs all of them');
  const drills = names.flatMap((name) => {
    if (name === 'all') return DRILLS;
    const found = DRILLS.filter((drill) => drill.name === name);
    if (found.length === 0) throw new Error(`no drill '${name}'; --list shows what there is`);
    return found;
  });
  return { drills, ...filesOf(files) };
}

function filesOf({ json, table, record }: Files): Omit<Order, 'drills'> {
  return { jsonFile: json ?? null, tableFile: table ?? null, recordIn: record ?? null };
}

function list(): string {
  const width = Math.max(...DRILLS.map(({ name }) => name.length)) + 2;
  return DRILLS.map(({ name, about, takesAway }) => {
    const rest = takesAway === undefined ? '' : ` Takes away: ${takesAway}.`;
    return `${name.padEnd(width)}${about}${rest}\n`;
  }).join('');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(order: Order): Promise<number> {
  const { drills, recordIn } = order;
  const results: DrillResult[] = [];
  for (const drill of drills) {
    say(`${drill.name}: ${drill.about}`);
    if (drill.needsNewer === true && newerLinuxptp() === null) {
      say(`  left out: ${NEWER_LINUXPTP_MISSING}`);
      continue;
    }
    const result = await runDrill(drill, { say, ...(recordIn === null ? {} : { recordIn }) });
    results.push(result);
    keep(order, results);
    for (const finding of result.findings) say(`  FOUND ${finding}`);
    const worst = `${BigInt(result.worstTrueErrorWhenLockedNs) / 1000n} us`;
    const held = result.wasOutsideWhenLocked ? 'OUTSIDE its window' : 'inside its window';
    say(`  ${result.levels.join(', ')}; worst error when locked ${worst}, ${held};`);
    say(`  ${result.actions} actions, ${result.actionsLost} lost; ${result.readings} entries\n`);
  }
  return results.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

/** After each drill: a long run may be ended. */
function keep({ jsonFile, tableFile }: Order, results: readonly DrillResult[]): void {
  if (jsonFile !== null) writeFileSync(jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  if (tableFile === null) return;
  writeFileSync(tableFile, withDrills(readFileSync(tableFile, 'utf8'), results));
}

async function figures({ jsonFile }: Order): Promise<number> {
  const text = JSON.stringify(await measureFigures(say), null, 2);
  say(text);
  if (jsonFile !== null) writeFileSync(jsonFile, `${text}\n`);
  return 0;
}

async function main(words: readonly string[]): Promise<number> {
  const options = {
    help: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    'fetch-linuxptp': { type: 'boolean', default: false },
    json: { type: 'string' },
    table: { type: 'string' },
    record: { type: 'string' },
    figures: { type: 'boolean', default: false },
  } as const;
  let order: Order;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options,
    });
    if (values.help || values.list) {
      process.stdout.write(values.help ? manual : list());
      return 0;
    }
    if (values['fetch-linuxptp']) {
      say(await fetchNewerLinuxptp());
      return 0;
    }
    order = values.figures ? { drills: [], ...filesOf(values) } : parseOrder(positionals, values);
  } catch (error) {
    process.stderr.write(`drill: ${String(error)}\nTry: npm run drill -- --help\n`);
    return 2;
  }
  const refusal = labRefusal();
  if (refusal !== null) {
    process.stderr.write(`drill: ${refusal}\n`);
    return 3;
  }
  return order.drills.length === 0 ? figures(order) : run(order);
}

process.exitCode = await main(process.argv.slice(2));
