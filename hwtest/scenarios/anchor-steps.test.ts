import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';

import { after, before, describe, it } from 'mocha';

import { compareTrace, type StepCase } from './anchor-step-list.ts';
import { AnchorSteps, tellCase, type Outcome } from './anchor-steps.ts';
import { makeScratchFolder } from './scenario.ts';

/** `npm run soak -- anchor-steps` meets all the others too. */
const cases: readonly StepCase[] = [
  { step: 'NV_Increment', side: 'after', mishap: 'kill -9', phase: 'starting' },
  { step: 'GetTime (R)', side: 'after', mishap: 'TPM reset', phase: 'serving' },
  { step: 'second prepare record', side: 'after', mishap: 'power cut', phase: 'serving' },
  { step: 'PCR_Extend', side: 'after', mishap: 'TPM reset', phase: 'serving' },
  { step: 'NV_Extend', side: 'after', mishap: 'power cut', phase: 'starting' },
  { step: 'Quote, of the anchor PCR', side: 'before', mishap: 'TPM reset', phase: 'serving' },
  { step: 'NV_Certify, of the extend index', side: 'after', mishap: 'kill -9', phase: 'stopping' },
  { step: 'prepare record', side: 'before', mishap: 'power cut', phase: 'stopping' },
  { step: 'NV_Increment', side: 'before', mishap: 'TPM reset', phase: 'starting' },
  { step: 'checkpoint record', side: 'after', mishap: 'TPM reset', phase: 'stopping' },
  { step: 'anchor entry', side: 'before', mishap: 'kill -9', phase: 'serving' },
];

describe('steps of an anchor', function () {
  this.timeout(1_800_000);
  const outcomes: Outcome[] = [];
  let appliance: AnchorSteps;
  let folder: string;

  before(async () => {
    folder = makeScratchFolder();
    const onOutcome = (_: StepCase, outcome: Outcome): void => void outcomes.push(outcome);
    appliance = await AnchorSteps.begin({ folder, seed: 1, onOutcome });
  });
  after(async () => {
    await appliance.end();
    rmSync(folder, { recursive: true });
  });

  it('are those that the list has, in a start, while serving and in a stop', async () => {
    assert.deepEqual(compareTrace(await appliance.trace()), []);
  });

  for (const one of cases) it(tellCase(one), () => appliance.run(one));

  it('lose nothing, and the log replays to what the TPM attested', async () => {
    assert.deepEqual(await appliance.verdict(), []);
    assert.equal(outcomes.length, cases.length);
    assert.ok(!outcomes.includes('human needed'));
  });
});
