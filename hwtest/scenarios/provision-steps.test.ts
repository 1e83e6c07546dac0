import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import type { Mishap } from './anchor-step-list.ts';
import { compareProvisioning, runProvisionSteps } from './provision-steps.ts';
import { makeScratchFolder } from './scenario.ts';

/** A dozen runs of the command, on a busy machine. */
const chainTimeoutMs = 1_800_000;

/** `npm run soak -- provision-steps` meets all of them with each mishap. */
const chains: readonly (readonly [Mishap, readonly string[]])[] = [
  [
    'kill -9',
    [
      ...['prepare record', 'EvictControl, of the storage root key'],
      ...['NV_DefineSpace, of the counter', 'NV_Increment', 'NV_Extend'],
      ...['C_GenerateKeyPair, of the token', 'HierarchyChangeAuth, of the owner'],
    ],
  ],
  ['power cut', ['segment named', 'rename of owner.age', 'HierarchyChangeAuth, of the lockout']],
  ['TPM reset', ['Create, of the attestation key', 'NV_Increment', 'StartAuthSession']],
];

describe('provisioning, step by step', function () {
  this.timeout(chainTimeoutMs);

  it('has the steps that the list has', async () => {
    assert.deepEqual(await compareProvisioning({ folder: makeScratchFolder() }), []);
  });

  for (const [mishap, steps] of chains) {
    it(`goes on from each ${mishap}, the step done or not`, async () => {
      for (const number of [0, 1]) {
        const folder = makeScratchFolder();
        const outcomes: string[] = [];
        const onOutcome = (step: string): void => void outcomes.push(step);
        const order = { folder, steps, mishap, number, onOutcome };
        assert.deepEqual(await runProvisionSteps(order), []);
        assert.deepEqual(outcomes, steps);
      }
    });
  }
});
