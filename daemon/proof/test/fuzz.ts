/**
 * Fuzzes one parser: `node daemon/proof/test/fuzz.ts --target bundle --seconds 600 [--seed N]`.
 * Inputs are mutations of the corpus. Exit code 1 and the input in hexadecimal at the first
 * finding.
 */
import { parseArgs } from 'node:util';

import { encodeHex } from '../src/bytes.ts';
import { FUZZ_TARGETS } from './support/fuzz-targets.ts';
import { Mutator } from './support/mutator.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});
const make = FUZZ_TARGETS[values.target ?? ''];
if (make === undefined) {
  console.error(`fuzz: --target is one of ${Object.keys(FUZZ_TARGETS).join(', ')}`);
  process.exit(2);
}

const { corpus, run } = make();
const mutator = new Mutator(Number(values.seed));
const end = performance.now() + Number(values.seconds) * 1000;
let inputs = 0;
let accepted = 0;
while (performance.now() < end) {
  const bytes = mutator.mutate(corpus);
  try {
    if (await run(bytes)) accepted += 1;
  } catch (error) {
    console.error(`fuzz: finding in ${values.target} after ${inputs} inputs:\n${encodeHex(bytes)}`);
    throw error;
  }
  inputs += 1;
}
console.log(`fuzz: ${values.target}: ${inputs} inputs, ${accepted} accepted, no finding`);
