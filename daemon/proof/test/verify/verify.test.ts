import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { CHECKS, FORM_CHECKS } from '../../src/verify/checks.ts';
import type { CheckLine, Verdict } from '../../src/verify/verdict.ts';
import { runVerification, verify } from '../../src/verify/verify.ts';
import { ACCEPT_CASES } from '../corpus/accept.ts';
import { REJECT_CASES } from '../corpus/reject.ts';

const badLines = ({ checks }: Verdict): CheckLine[] =>
  checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'unverifiable');
const show = (verdict: Verdict): string =>
  [
    verdict.headline,
    ...badLines(verdict).map(({ id, outcome, text }) => `${outcome} ${id}: ${text}`),
  ].join('\n');

describe('verify, accepted corpus', () => {
  for (const { name, headline, make } of ACCEPT_CASES) {
    it(`${name}: ${headline}`, async () => {
      const { bytes, policy } = await make();
      const verdict = await verify(bytes, policy);
      assert.equal(verdict.headline, headline, show(verdict));
      assert.equal(verdict.checks.length, CHECKS.length + FORM_CHECKS.length);
    });
  }
});

describe('verify, rejected corpus: one check refuses each case', () => {
  for (const { name, check, also = [], overall, make } of REJECT_CASES) {
    it(`${name}: ${overall} by ${check}`, async () => {
      const { bytes, policy } = await make();
      const verdict = await verify(bytes, policy);
      assert.equal(verdict.overall, overall, show(verdict));
      const refusing = [check, ...also];
      assert.deepEqual(
        badLines(verdict).map(({ id }) => id),
        refusing,
        show(verdict),
      );
      const without = await runVerification(bytes, policy, { disabled: new Set(refusing) });
      const isForm = (FORM_CHECKS as readonly string[]).includes(check);
      assert.equal(without.overall, isForm ? 'UNVERIFIABLE' : 'VALID', show(without));
    });
  }

  it('has a case for every check', () => {
    const alone = REJECT_CASES.filter(({ also = [] }) => also.length === 0);
    const covered = new Set(alone.map(({ check }) => check));
    const all = [...FORM_CHECKS, ...CHECKS.map(({ id }) => id)];
    assert.deepEqual(
      all.filter((id) => !covered.has(id)),
      [],
    );
    assert.equal(new Set(REJECT_CASES.map(({ name }) => name)).size, REJECT_CASES.length);
  });
});
