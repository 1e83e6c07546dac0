/** Every mishap at every step of an anchor, in a random order, again and again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { allCases, AnchorSteps, tellCase, type StepCase } from '../scenarios/anchor-steps.ts';
import type { Soak } from './soak.ts';

/** Of all cases on one ledger; then it is checked and another begun. */
const roundsMax = 20;

export const anchorStepsSoak: Soak = {
  name: 'anchor-steps',
  about: 'kill -9 of the daemon and resets of its TPM at each step of an anchor',
  async run({ minutes, seed, folder, say }) {
    const counts = { mishaps: 0, receipts: 0, rounds: 0 };
    const findings: string[] = [];
    const untilMs = performance.now() + minutes * 60_000;
    mkdirSync(join(folder, 's'));
    const appliance = await AnchorSteps.begin(join(folder, 's'));
    try {
      for (let round = 0; round < roundsMax && performance.now() < untilMs; round += 1) {
        counts.rounds += 1;
        for (const one of shuffled(allCases(), seed + round)) {
          if (performance.now() > untilMs) break;
          await appliance.run(one);
          say(`round ${round + 1}: ${tellCase(one)}`);
        }
      }
      findings.push(...(await appliance.verdict()));
    } catch (error) {
      findings.push(String(error));
    } finally {
      counts.mishaps = appliance.met;
      counts.receipts = appliance.receipts;
      await appliance.end();
    }
    return { counts, findings };
  },
};

/** The same order for the same seed (Park and Miller's generator). */
function shuffled(cases: readonly StepCase[], seed: number): StepCase[] {
  let state = (seed % 2_147_483_646) + 1;
  const weighed = cases.map((one) => {
    state = (state * 48_271) % 2_147_483_647;
    return { one, weight: state };
  });
  return weighed.sort((left, right) => left.weight - right.weight).map(({ one }) => one);
}
