import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';

import { after, before, describe, it } from 'mocha';

import { allCases, AnchorSteps, tellCase, type Mishap, type Phase } from './anchor-steps.ts';
import { makeScratchFolder } from './scenario.ts';

/** `npm run soak -- anchor-steps` meets all the others too. */
const runs: readonly (readonly [string, Mishap, Phase, RegExp])[] = [
  ['killed in the counter-anchor of its start', 'kill', 'starting', /./u],
  ['killed with a reset of its TPM', 'kill and reset', 'starting', /extend|quote/u],
  ['whose TPM is reset while it serves', 'reset', 'serving', /./u],
];

describe('anchor steps', function () {
  this.timeout(600_000);
  for (const [what, mishap, phase, steps] of runs) {
    describe(`of a daemon ${what}`, () => {
      let appliance: AnchorSteps;
      let folder: string;
      before(async () => {
        folder = makeScratchFolder();
        appliance = await AnchorSteps.begin(folder);
      });
      after(async () => {
        await appliance.end();
        rmSync(folder, { recursive: true });
      });

      for (const one of allCases()) {
        const isMeant = one.mishap === mishap && one.phase === phase;
        if (!isMeant || !steps.test(one.step.name)) continue;
        it(tellCase(one), () => appliance.run(one));
      }

      it('lose nothing, and the log replays to what the TPM attested', async () => {
        assert.deepEqual(await appliance.verdict(), []);
      });
    });
  }
});
