/** Bundles that the daemon made with a software TPM and token: no part comes from here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

import { parseTrustPolicy } from '../../src/policy.ts';
import { verify } from '../../src/verify/verify.ts';
import { testdataPath } from '../support/vectors.ts';

const policy = parseTrustPolicy(readFileSync(testdataPath('daemon/policy.json'), 'utf8'));

describe('verify, bundles of the daemon', () => {
  for (const name of ['intent', 'outcome', 'after-a-crash']) {
    it(`${name}: VALID (emulated), and refused where hardware is asked for`, async () => {
      const bytes = new Uint8Array(readFileSync(testdataPath(`daemon/${name}.kudurru`)));
      const verdict = await verify(bytes, policy);
      assert.equal(verdict.headline, 'VALID (emulated)');
      assert.deepEqual(
        Object.values(verdict.questions).map(({ state }) => state),
        ['answered', 'answered', 'not answered', 'not applicable', 'answered'],
      );
      const strict = { ...policy, acceptLabels: ['hardware'] } as const;
      assert.equal((await verify(bytes, strict)).overall, 'UNVERIFIABLE');
    });
  }
});
