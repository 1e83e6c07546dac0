/** Token and TPM, each gone or silent for a minute under load, one after another. */
import { join } from 'node:path';

import { LOSSES, runDeviceLoss } from '../scenarios/device-loss.ts';
import type { Soak } from './soak.ts';

const awayMs = 60_000;

export const deviceLoss: Soak = {
  name: 'device-loss',
  about: 'token and TPM taken away for a minute each, under load: figures of what went on',
  async run({ minutes, folder, say }) {
    const untilMs = performance.now() + minutes * 60_000;
    const counts = { losses: 0, receipts: 0, receiptsAway: 0, alarms: 0, catchUpMsLongest: 0 };
    const findings: string[] = [];
    do {
      for (const kind of LOSSES) {
        const result = await runDeviceLoss({
          kind,
          folder: join(folder, `state-${counts.losses}`),
          awayMs,
          receiptsAwayMin: 1,
          agents: 4,
          inFlight: 8,
        });
        const { latency, latencyAway, catchUpMs, failuresAway, alarms } = result;
        counts.losses += 1;
        counts.receipts += result.receipts;
        counts.receiptsAway += result.receiptsAway;
        counts.alarms += alarms;
        counts.catchUpMsLongest = Math.max(counts.catchUpMsLongest, catchUpMs);
        const text = ({ p50Ms, p99Ms, longestMs }: typeof latency): string =>
          `p50 ${p50Ms}, p99 ${p99Ms}, longest ${longestMs} ms`;
        say(`${kind}: ${result.receipts} receipts, ${result.receiptsAway} without the device`);
        say(`${kind}: to the receipt ${text(latency)}; without the device ${text(latencyAway)}`);
        say(
          `${kind}: ${failuresAway} failures, ${alarms} alarm, anchored again in ${catchUpMs} ms`,
        );
        findings.push(...result.problems.map((problem) => `${kind}: ${problem}`));
        if (alarms !== 1) findings.push(`${kind}: ${alarms} alarms, and not one`);
      }
    } while (performance.now() < untilMs && findings.length === 0);
    return { counts, findings };
  },
};
