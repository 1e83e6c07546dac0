/** One daemon under load for the whole time; then every receipt is found in the log. */
import { join } from 'node:path';

import { Appliance } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { Tour } from '../faults/tour.ts';
import { compareReceipts } from '../scenarios/receipt-checker.ts';
import { checkFiles } from '../scenarios/scenario.ts';
import type { Soak } from './soak.ts';

const agents = 8;

export const load: Soak = {
  name: 'load',
  about: 'one daemon under load, small and large submissions, then every receipt is looked up',
  async run({ minutes, folder, say }) {
    const untilMs = performance.now() + minutes * 60_000;
    const appliance = await Appliance.prepare(join(folder, 'state'));
    const daemon = await appliance.start();
    const names = Array.from({ length: agents }, (_, number) => `agent-${number}`);
    const enrol = async () =>
      Promise.all(names.map((name) => enrolAgent(appliance.controlSocket, name)));
    const tour = new Tour(appliance, { enrol });
    for (let turns = 1; performance.now() < untilMs && tour.problems.length === 0; turns++) {
      await tour.settle();
      say(`turn ${turns}: ${tour.receipts.length} receipts`);
    }
    tour.end();
    const { code, signal } = await daemon.stop();
    await appliance.devices.stop();
    const findings = [...tour.problems];
    if (code !== 0) findings.push(`the daemon ended with ${signal ?? code}:\n${daemon.log}`);
    await checkFiles(appliance.state);
    const { size, problems } = await compareReceipts(appliance.state, tour.receipts);
    findings.push(...problems);
    return { counts: { receipts: tour.receipts.length, entries: Number(size) }, findings };
  },
};
