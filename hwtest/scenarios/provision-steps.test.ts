import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import type { Mishap } from './anchor-step-list.ts';
import { TOKEN_KINDS, type TokenKind } from './provision-step-list.ts';
import { compareProvisioning, runProvisionSteps } from './provision-steps.ts';
import { makeScratchFolder } from './scenario.ts';

/** A dozen runs of the command, on a busy machine. */
const chainTimeoutMs = 1_800_000;

/** `npm run soak -- provision-steps` meets all of them with each mishap. */
const chains: readonly (readonly [Mishap, TokenKind, readonly string[]])[] = [
  [
    'kill -9',
    'initialised',
    [
      ...[
        'prepare record',
        'rename of tpm.json, prepared',
        'EvictControl, of the storage root key',
      ],
      ...['NV_DefineSpace, of the counter', 'NV_Increment', 'NV_Extend'],
      ...['C_GenerateKeyPair, of the token', 'rename of token-pin.json, finished'],
      ...['unlink of token-pin', 'HierarchyChangeAuth, of the owner'],
    ],
  ],
  [
    'kill -9',
    'blank',
    [
      ...['rename of boot-approval.age', 'rename of token-pin.json, prepared', 'Unseal, of a PIN'],
      ...['rename of token-officer.age', 'C_InitToken, of the token', 'C_InitPIN, of the token'],
      'rename of token-pin.json, finished',
    ],
  ],
  [
    'power cut',
    'initialised',
    [
      ...['segment named', 'unlink of token-pin', 'rename of owner.age'],
      'HierarchyChangeAuth, of the lockout',
    ],
  ],
  [
    'power cut',
    'blank',
    [
      ...['fsync of tpm.json.new, provisioned', 'rename of token-pin.json, prepared'],
      ...['C_InitToken, of the token', 'rename of token-pin.json, finished'],
    ],
  ],
  [
    'TPM reset',
    'blank',
    [
      ...['Create, of the attestation key', 'NV_Increment', 'StartAuthSession'],
      ...['Create, of a sealed PIN', 'Unseal, of a PIN', 'C_InitToken, of the token'],
    ],
  ],
];

describe('provisioning, step by step', function () {
  this.timeout(chainTimeoutMs);

  for (const token of TOKEN_KINDS) {
    it(`has the steps that the list of a token that is ${token} has`, async () => {
      assert.deepEqual(await compareProvisioning({ folder: makeScratchFolder(), token }), []);
    });
  }

  for (const [number, [mishap, token, steps]] of chains.entries()) {
    it(`goes on from each ${mishap}, one step done and the next not, token ${token}`, async () => {
      const outcomes: string[] = [];
      const onOutcome = (step: string): void => void outcomes.push(step);
      const order = { folder: makeScratchFolder(), token, steps, mishap, number, onOutcome };
      assert.deepEqual(await runProvisionSteps(order), []);
      assert.deepEqual(outcomes, steps);
    });
  }
});
