/** Kill cycles until the time is over, in ledgers of bounded length. */
import { join } from 'node:path';

import { runKillCycles } from '../scenarios/kill-cycles.ts';
import type { Soak } from './soak.ts';

/** Cycles on one ledger. */
const cyclesAtOnce = 50;

export const killCycles: Soak = {
  name: 'kill-cycles',
  about: 'kill -9 of the daemon under load, on a disk that loses what was not synced',
  async run({ minutes, folder, say }) {
    const counts = { kills: 0, receipts: 0, actions: 0, entries: 0, ledgers: 0 };
    const findings: string[] = [];
    const untilMs = performance.now() + minutes * 60_000;
    while (performance.now() < untilMs && findings.length === 0) {
      counts.ledgers++;
      const result = await runKillCycles({
        folder: join(folder, `state-${counts.ledgers}`),
        cycles: cyclesAtOnce,
        agents: 4,
        untilMs,
        onCycle: say,
      });
      counts.kills += result.kills;
      counts.receipts += result.receipts;
      counts.actions += result.actions;
      counts.entries += Number(result.entries);
      findings.push(...result.contradictions);
    }
    return { counts, findings };
  },
};
