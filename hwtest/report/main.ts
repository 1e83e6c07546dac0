/**
 * `npm run hwtest`: the contract suites, each against every backend that is here, and the report:
 * what passed on which device, how real that device is, and what is pending and why. Exit codes: 0
 * nothing failed; 1 something failed; 2 wrong use.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { capabilities, type SuiteFacts } from '../contract/suite.ts';
import { collect, type SuiteReport } from './collect.ts';

const reportVersion = 1;

const manual = `NAME
  hwtest - the contract suites against every device that is here

SYNOPSIS
  npm run hwtest -- [BACKEND ...] [--json FILE] [--require-hardware]
  npm run hwtest -- --help

DESCRIPTION
  Runs what every backend of a device must do, on emulators and on the real
  devices that the environment names, and prints a line for each test, then a
  table: contract, backend, label, passed, failed, pending. The label says how
  real the device is: hardware, or emulated. What cannot run here is pending
  with its reason: a device that is not configured, or something that the bench
  cannot do to it (capabilities.json).

BACKENDS
${Object.entries(capabilities.backends)
  .map(([name, { label }]) => `  ${name.padEnd(34)}${label}`)
  .join('\n')}

OPTIONS
  BACKEND             only suites of these backends; all of them otherwise.
  --json FILE         writes the report as JSON.
  --require-hardware  fail where no test passed on hardware.

ENVIRONMENT
  KUDURRU_HWTEST_TPM             transport of a TPM chip, such as
                                 device:/dev/tpmrm0
  KUDURRU_HWTEST_TPM_FOLDER      folder for its encrypted key blobs, kept
  KUDURRU_HWTEST_PKCS11          path of an HSM's PKCS#11 module
  KUDURRU_HWTEST_TOKEN_LABEL     label of its initialised, empty token
  KUDURRU_HWTEST_TOKEN_PIN_FILE  file with the user PIN, mode 0600

EXIT STATUS
  0   nothing failed
  1   something failed
  2   wrong use

EXAMPLES
  What is here, with a report for the file:
    npm run hwtest -- --json report.json
  A TPM chip alone:
    KUDURRU_HWTEST_TPM=device:/dev/tpmrm0 KUDURRU_HWTEST_TPM_FOLDER=/var/tmp/hwtest \\
      npm run hwtest -- "TPM chip" --require-hardware
`;

interface Order {
  /** Empty for all. */
  readonly backends: readonly string[];
  readonly jsonFile: string | null;
  readonly requiresHardware: boolean;
}

/** Null where help was asked for. @throws Error, which says what is wrong */
function parseOrder(words: readonly string[]): Order | null {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'string' },
      'require-hardware': { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const known = Object.keys(capabilities.backends);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`no backend '${unknown}': there are ${known.join(', ')}`);
  }
  return {
    backends: positionals,
    jsonFile: values.json ?? null,
    requiresHardware: values['require-hardware'],
  };
}

function printTable(suites: readonly SuiteReport[]): void {
  const headings = ['contract', 'backend', 'label', 'passed', 'failed', 'pending'];
  const rows = suites.map((suite) => [
    ...[suite.contract, suite.backend, suite.label],
    ...[suite.passed, suite.failed, suite.pending].map(String),
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  process.stdout.write(`\n${[headings, ...rows].map(line).join('\n')}\n`);
  for (const { contract, backend, pendings } of suites) {
    for (const { title, reason } of pendings) {
      const what = title.startsWith('pending: ') ? 'all of it' : title.split(' (pending')[0];
      process.stdout.write(`\n${contract}, ${backend}: ${what}: pending: ${reason}\n`);
    }
  }
}

async function main(words: readonly string[]): Promise<number> {
  let order: Order | null;
  try {
    order = parseOrder(words);
  } catch (error) {
    process.stderr.write(`hwtest: ${String(error)}\nTry: npm run hwtest -- --help\n`);
    return 2;
  }
  if (order === null) {
    process.stdout.write(manual);
    return 0;
  }
  const { backends, jsonFile, requiresHardware } = order;
  const startedAt = new Date().toISOString();
  const isWanted = ({ backend }: SuiteFacts): boolean =>
    backends.length === 0 || backends.includes(backend);
  const suites = await collect(isWanted, (line) => void process.stdout.write(`${line}\n`));
  printTable(suites);
  if (jsonFile !== null) {
    const report = { version: reportVersion, startedAt, suites };
    writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  }
  const isOnHardware = suites.some(({ label, passed }) => label === 'hardware' && passed > 0);
  if (requiresHardware && !isOnHardware) {
    process.stderr.write('hwtest: no test passed on hardware\n');
    return 1;
  }
  return suites.some(({ failed }) => failed > 0) ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
