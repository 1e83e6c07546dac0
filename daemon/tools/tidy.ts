/**
 * The rules of the house that no off-the-shelf tool checks: who may import whom, sizes, names,
 * files that nothing uses, calls that have a better replacement, error codes against their table,
 * snippets against their files. Prints one line a finding, with the replacement; exit code 1 when
 * there is one. The same rules run as a test.
 */
import { readCheckout } from './tidy/checkout.ts';
import { RULES } from './tidy/rules.ts';

const sources = readCheckout();
const findings = Object.entries(RULES).flatMap(([name, rule]) =>
  rule(sources).map((finding) => ({ name, ...finding })),
);
for (const { name, path, line, problem, instead } of findings) {
  process.stdout.write(`${path}:${line}: ${problem} (${name})\n    instead: ${instead}\n`);
}
process.stdout.write(`tidy: ${sources.length} files, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
