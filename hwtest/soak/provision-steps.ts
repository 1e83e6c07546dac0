/** Boxes provisioned through a kill at each TPM command: twenty, or until the time is over. */
import { join } from 'node:path';

import { makeFolder } from '../../daemon/src/base/make-folder.ts';
import { allSteps, runProvisionSteps } from '../scenarios/provision-steps.ts';
import type { Soak } from './soak.ts';

const boxesMin = 20;
const msPerMinute = 60_000;

export const provisionSteps: Soak = {
  name: 'provision-steps',
  about: 'kill -9 of provisioning at each TPM command, done or not; 20 boxes at least',
  async run({ minutes, folder, say }) {
    const counts = { boxes: 0, kills: 0 };
    const findings: string[] = [];
    const untilMs = performance.now() + minutes * msPerMinute;
    while (counts.boxes < boxesMin || performance.now() < untilMs) {
      const box = join(folder, String(counts.boxes));
      makeFolder(box, 0o700);
      const result = await runProvisionSteps({ folder: box, steps: allSteps });
      counts.boxes += 1;
      counts.kills += result.kills;
      findings.push(...result.findings);
      say(`box ${counts.boxes}: ${result.kills} kills, ${result.findings.length} findings`);
      if (findings.length > 0) break;
    }
    return { counts, findings };
  },
};
