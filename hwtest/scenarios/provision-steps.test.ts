import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { lastingSteps, runProvisionSteps } from './provision-steps.ts';
import { makeScratchFolder } from './scenario.ts';

/** Fifteen runs of the command, on a busy machine. */
const chainTimeoutMs = 600_000;

describe('provisioning, killed again and again', function () {
  this.timeout(chainTimeoutMs);

  it('goes on from every change of the TPM, done or not', async () => {
    const folder = makeScratchFolder();
    const { kills, findings } = await runProvisionSteps({ folder, steps: lastingSteps });
    assert.deepEqual(findings, []);
    assert.equal(kills, 2 * lastingSteps.length);
  });
});
