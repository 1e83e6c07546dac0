import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { CHECKS, FORM_CHECKS } from '../../src/verify/checks.ts';
import type { CheckLine, Verdict } from '../../src/verify/verdict.ts';
import { runVerification, verify } from '../../src/verify/verify.ts';
import { ACCEPT_CASES } from '../corpus/accept.ts';
import { REJECT_CASES } from '../corpus/reject.ts';
import { committedCases, committedExhibit } from '../support/committed-corpus.ts';

const badLines = ({ checks }: Verdict): CheckLine[] =>
  checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'unverifiable');
const show = (verdict: Verdict): string =>
  [
    verdict.headline,
    ...badLines(verdict).map(({ id, outcome, text }) => `${outcome} ${id}: ${text}`),
  ].join('\n');

describe('verify, committed corpus', () => {
  it('is what the encoders make: else run daemon/proof/test/corpus/write.ts', async () => {
    const folders = [
      ['accept', ACCEPT_CASES],
      ['reject', REJECT_CASES],
    ] as const;
    for (const [folder, cases] of folders) {
      const names = committedCases(folder).map(({ name }) => name);
      assert.deepEqual(
        names,
        cases.map(({ name }) => name),
      );
      for (const { name, make } of cases) {
        assert.deepEqual(committedExhibit(folder, name), await make(), name);
      }
    }
  }).timeout(0);

  for (const folder of ['accept', 'reject'] as const) {
    for (const { name, headline, checks } of committedCases(folder)) {
      it(`${name}: ${headline}`, async () => {
        const { bytes, policy } = committedExhibit(folder, name);
        const verdict = await verify(bytes, policy);
        assert.equal(verdict.headline, headline, show(verdict));
        assert.deepEqual(
          badLines(verdict).map(({ id }) => id),
          checks,
          show(verdict),
        );
        if (folder === 'accept') {
          assert.equal(verdict.checks.length, CHECKS.length + FORM_CHECKS.length);
        }
      });
    }
  }
});

describe('verify, a check left out', () => {
  for (const { name, check, also = [], overall } of REJECT_CASES) {
    it(`${check}: ${name} is no longer ${overall}`, async () => {
      const { bytes, policy } = committedExhibit('reject', name);
      const refusing = [check, ...also];
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
