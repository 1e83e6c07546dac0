/** Simulated worlds, a hundred seeds at a time, from the run's seed on. */
import { runProgram } from './run-program.ts';
import type { Soak } from './soak.ts';

const seedsAtOnce = 100;

export const sim: Soak = {
  name: 'sim',
  about: 'the native core in simulated worlds, one seed after another',
  async run({ minutes, seed, say }) {
    const untilMs = performance.now() + minutes * 60_000;
    const findings: string[] = [];
    let seeds = 0;
    while (performance.now() < untilMs && findings.length === 0) {
      const range = `${seed + seeds}-${seed + seeds + seedsAtOnce - 1}`;
      const result = await runProgram(['daemon/sim/main.ts', '--seeds', range], say);
      findings.push(...result.findings);
      seeds += seedsAtOnce;
    }
    return { counts: { seeds }, findings };
  },
};
