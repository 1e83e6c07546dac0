import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { encodeHex } from '../src/bytes.ts';
import { FUZZ_TARGETS } from './support/fuzz-targets.ts';
import { Mutator } from './support/mutator.ts';

const INPUTS = 400;

describe('fuzz, a short run with a fixed seed', function () {
  this.timeout(0); // bounded by the number of inputs, not by time

  for (const [name, make] of Object.entries(FUZZ_TARGETS)) {
    it(`${name}: ${INPUTS} inputs without a finding`, async () => {
      const { corpus, run } = make();
      const mutator = new Mutator(20_261_122);
      for (let i = 0; i < INPUTS; i++) {
        const bytes = mutator.mutate(corpus);
        await assert.doesNotReject(async () => run(bytes), encodeHex(bytes).slice(0, 2000));
      }
    });
  }
});
