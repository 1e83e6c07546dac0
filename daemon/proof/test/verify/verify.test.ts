import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { ENTRY_KINDS } from '../../src/entry-fields.ts';
import { STATEMENT_ACTIONS_MAX } from '../../src/statement.ts';
import { CHECKS, FORM_CHECKS } from '../../src/verify/checks.ts';
import type { CheckLine, Verdict } from '../../src/verify/verdict.ts';
import { runVerification, verify } from '../../src/verify/verify.ts';
import { ACCEPT_CASES } from '../corpus/accept.ts';
import { seed } from '../corpus/keys.ts';
import { CorpusLedger } from '../corpus/ledger.ts';
import { REJECT_CASES } from '../corpus/reject.ts';
import {
  exhibit,
  intentEnvelope,
  observationEnvelope,
  outcomeEnvelope,
} from '../corpus/scenario.ts';
import { rememberingVerifier } from '../support/remembering-verifier.ts';
import { committedCases, committedExhibit } from '../support/committed-corpus.ts';

const options = { verifyBatch: rememberingVerifier() };
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

describe('verify, every entry of a ledger', () => {
  it('is VALID once it is anchored, whatever its kind', async () => {
    const ledger = everyKindOfEntry();
    const kinds = new Set<string>();
    const anchored = ledger.size - 1n; // but the last anchor, which none covers
    for (let index = 0n; index < anchored; index += 1n) {
      const { bytes, policy } = await exhibit({ ledger }, index);
      const verdict = await verify(bytes, policy, options);
      assert.equal(verdict.headline, 'VALID (emulated)', `entry ${index}: ${show(verdict)}`);
      const kind = verdict.subject?.kind ?? 'unknown';
      kinds.add(kind);
      const isSigned = ['agent.enrol', 'session.open', 'statement', 'action'].includes(kind);
      assert.equal(verdict.questions.who.state, isSigned ? 'answered' : 'not applicable', kind);
    }
    // Only where operators signed: restore.test.ts, and the cases of time evidence.
    for (const kind of ['restore', 'time.profile']) kinds.add(kind);
    assert.deepEqual([...kinds].sort(), Object.keys(ENTRY_KINDS).sort());
  }).timeout(0);

  it('is VALID as any of the 1024 actions of one statement', async () => {
    const ledger = new CorpusLedger('alpha');
    const session = ledger.openSession(ledger.enrol('clerk'));
    const batch = Array.from({ length: STATEMENT_ACTIONS_MAX }, () => observationEnvelope());
    const indexes = ledger.submit(session, batch);
    ledger.anchor('counter-anchor');
    for (const index of [indexes[0], indexes[511], indexes.at(-1)]) {
      const { bytes, policy } = await exhibit({ ledger }, index ?? 0n);
      assert.equal((await verify(bytes, policy, options)).headline, 'VALID (emulated)');
    }
  }).timeout(0);
});

/** Two agents, sessions at once, a restart between intent and outcome, anchors that lag behind. */
function everyKindOfEntry(): CorpusLedger {
  const ledger = new CorpusLedger('alpha');
  ledger.anchor('counter-anchor');
  const [clerk, reviewer] = [ledger.enrol('clerk'), ledger.enrol('reviewer', 'ESP256')];
  const [older, newer] = [ledger.openSession(clerk), ledger.openSession(clerk)];
  const other = ledger.openSession(reviewer);
  const input = { field: 'input', salt: seed('salt'), bytes: seed('input') } as const;
  ledger.submit(older, [observationEnvelope(), intentEnvelope(input), observationEnvelope()]);
  ledger.timeEvidence();
  ledger.anchor('anchor', () => ledger.submit(other, [observationEnvelope()]));
  ledger.append({ kind: 'stop', reason: 'asked to stop', openSessions: 3 });
  const [previousBootIndex, treeSize] = [1n, ledger.size];
  ledger.boot();
  ledger.append({ kind: 'unclean-start', previousBootIndex, treeSize, secondsAtRisk: 5 });
  ledger.submit(newer, [outcomeEnvelope({ session: older.id, sequence: 1n })]);
  ledger.submit(older, [observationEnvelope()]);
  ledger.append({
    kind: 'session.close',
    sessionIndex: other.index,
    actionCount: 1,
    reason: 'idle',
  });
  const refusals = [{ code: 'root-mismatch', count: 2 }];
  ledger.append({ kind: 'refusal-summary', fromTaiNs: 1n, toTaiNs: 2n, refusals });
  ledger.alarm();
  ledger.anchor('counter-anchor', () => ledger.submit(older, [observationEnvelope()]));
  ledger.anchor('anchor');
  return ledger;
}

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
