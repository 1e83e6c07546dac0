import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { describe, it } from 'mocha';

import { LOSSES, runDeviceLoss } from './device-loss.ts';
import { makeScratchFolder, scenarioTimeoutMs } from './scenario.ts';

describe('a device that is lost under load', function () {
  this.timeout(scenarioTimeoutMs);
  for (const kind of LOSSES) {
    it(`${kind}: entries go on, one alarm, anchoring catches up`, async () => {
      const folder = makeScratchFolder();
      try {
        const result = await runDeviceLoss({
          kind,
          folder: join(folder, 'state'),
          awayMs: 0,
          receiptsAwayMin: 100,
          agents: 2,
          inFlight: 4,
        });
        assert.deepEqual(result.problems, []);
        assert.equal(result.alarms, 1);
        assert(result.receiptsAway >= 100);
        assert(result.anchoredReceipts > 0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
