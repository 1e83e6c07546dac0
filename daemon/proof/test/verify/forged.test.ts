/** Every forged attestation is refused, by the check that it names and by no other. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { CHECKS, FORM_CHECKS } from '../../src/verify/checks.ts';
import type { CheckLine, Verdict } from '../../src/verify/verdict.ts';
import { runVerification } from '../../src/verify/verify.ts';
import { ofCounted } from '../corpus/forged-case.ts';
import { FORGED_CASES } from '../corpus/forged.ts';
import { rememberingVerifier } from '../support/remembering-verifier.ts';

const options = { verifyBatch: rememberingVerifier() };
const CASES_MIN = 80;
const ASKS_ABOUT_DEVICES =
  /^order\.(?:anchor-(?!ed|consistency)|boot)|^when\.anchor|^who\.(?:attest|checkpoint|index)/;

describe('verify, forged attestations', function () {
  this.timeout(0); // bounded by the number of verdicts, not by time

  it('are forgeries of what is VALID', async () => {
    const { bytes, policy } = await ofCounted();
    const verdict = await runVerification(bytes, policy, options);
    assert.equal(verdict.headline, 'VALID (emulated)', show(verdict));
    const names = FORGED_CASES.map(({ name }) => name);
    assert.ok(new Set(names).size === names.length && names.length >= CASES_MIN);
  });

  for (const { name, check, also = [], overall, make } of FORGED_CASES) {
    it(`${name}: ${overall} by ${check}, and VALID without it`, async () => {
      const { bytes, policy } = await make();
      const verdict = await runVerification(bytes, policy, options);
      assert.equal(verdict.overall, overall, show(verdict));
      const refusing = [check, ...also];
      assert.deepEqual(
        new Set(badLines(verdict).map(({ id }) => id)),
        new Set(refusing),
        show(verdict),
      );
      const disabled = new Set(refusing);
      const without = await runVerification(bytes, policy, { ...options, disabled });
      const isForm = (FORM_CHECKS as readonly string[]).includes(check);
      assert.equal(without.overall, isForm ? 'UNVERIFIABLE' : 'VALID', show(without));
    });
  }

  it('need every check that asks about anchors, keys and indexes', () => {
    const needed = CHECKS.map(({ id }) => id).filter((id) => ASKS_ABOUT_DEVICES.test(id));
    const alone = FORGED_CASES.filter(({ also = [] }) => also.length === 0);
    const covered = new Set(alone.map(({ check }) => check));
    assert.deepEqual(
      needed.filter((id) => !covered.has(id)),
      [],
    );
  });
});

function badLines({ checks }: Verdict): CheckLine[] {
  return checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'unverifiable');
}

function show(verdict: Verdict): string {
  const lines = badLines(verdict).map(({ id, outcome, text }) => `${outcome} ${id}: ${text}`);
  return [verdict.headline, ...lines].join('\n');
}
