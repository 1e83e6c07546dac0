/**
 * Bundles that must not be VALID: for each check of the verifier one that this check alone refuses,
 * so that it passes, or at least is no longer INVALID, when the check is left out.
 */
import { quoteQualifier } from '../../src/anchor.ts';
import { buildBundle } from './build-bundle.ts';
import type { Bundle } from '../../src/bundle.ts';
import { encodeCbor } from '../../src/cbor.ts';
import { formatVerifierKey } from '../../src/note.ts';
import type { TrustPolicy } from '../../src/policy.ts';
import { formatTlogProof, parseTlogProof } from '../../src/tlog-proof.ts';
import type { Flaws } from './flaws.ts';
import { seed } from './keys.ts';
import type { CorpusLedger } from './ledger.ts';
import { endorsementCases } from './reject-endorsement.ts';
import { anchorCases, checkpointCases } from './reject-anchors.ts';
import { sourcedTimeCases } from './reject-time.ts';
import type { RejectCase } from './reject-case.ts';
import { attacker, invalid, ofIntent, onKind, onTime, unverifiable } from './reject-case.ts';
import { withRegisters } from './registers.ts';
import type { Exhibit } from './scenario.ts';
import { changeBundle, exhibit, flip, inputDisclosure, playScenario } from './scenario.ts';

export const REJECT_CASES: readonly RejectCase[] = [
  invalid('cut-off', 'order.bundle-form', async () => {
    const { bytes, policy } = await ofIntent();
    return { bytes: bytes.subarray(0, -1), policy };
  }),
  invalid('malformed-agent-key', 'what.entry-form', async () => {
    const broken = encodeCbor(new Map([[1, 2]]));
    const scenario = playScenario(onKind('agent.enrol', (entry) => ({ ...entry, key: broken })));
    return exhibit(scenario, scenario.intent);
  }),
  ...policyCases(),
  ...sourcedTimeCases(),
  ...endorsementCases(),
  invalid('attestation-key-unrestricted', 'who.attestation-key', () =>
    ofIntent({ tpm: { akAttributes: 0x0004_0472 } }),
  ),
  invalid('checkpoint-key-of-another-ledger', 'who.checkpoint-key', () =>
    ofIntent({ tpm: { creationOutsideInfo: seed('another ledger') } }),
  ),
  invalid('counter-that-can-be-written', 'who.indexes', () =>
    ofIntent({ tpm: { counterAttributes: 0x2206_0006 } }),
  ),
  invalid('pcr-that-can-be-reset', 'who.indexes', () =>
    ofIntent(
      withRegisters(
        {
          anchor: (draft, _, { tpm }) => ({
            ...draft,
            quote: tpm.quote(quoteQualifier(draft.counter.attest), [23]),
          }),
        },
        { pcrIndex: 23, withBootQuote: false },
      ),
    ),
  ),
  invalid('enrolment-by-another-key', 'who.enrolment', () =>
    ofIntent({ enrolmentSigner: attacker }),
  ),
  invalid('session-by-another-key', 'who.session', () => ofIntent({ sessionSigner: attacker })),
  invalid('session-numbered-again', 'who.session', async () => {
    const scenario = playScenario(
      onKind('session.open', (entry) => ({ ...entry, sessionNumber: 0 })),
      { outcomeIn: 'new-session' },
    );
    return exhibit(scenario, scenario.intent);
  }),
  invalid('statement-by-another-key', 'who.statement', () =>
    ofIntent({ statementSigner: attacker }),
  ),
  invalid('statement-of-another-session', 'what.binding', () =>
    ofIntent({ statement: (payload) => ({ ...payload, sessionId: seed('another session') }) }),
  ),
  invalid('statement-after-another-one', 'what.binding', async () => {
    const hash = seed('another statement');
    const scenario = playScenario({
      statement: (payload) =>
        payload.firstSequence === 0n ? payload : { ...payload, previousStatementHash: hash },
    });
    return exhibit(scenario, scenario.outcome);
  }),
  invalid('action-at-another-time', 'what.position', () =>
    ofIntent(
      onKind('action', (entry) => ({
        ...entry,
        time: { ...entry.time, taiNs: entry.time.taiNs + 1n },
      })),
    ),
  ),
  invalid('action-of-another-writer', 'what.position', () =>
    ofIntent(onKind('action', (entry) => ({ ...entry, writerLevel: 'pidfd-inode' }))),
  ),
  invalid('envelopes-under-another-root', 'what.envelope', () =>
    ofIntent({ statement: (payload) => ({ ...payload, root: seed('another root') }) }),
  ),
  invalid('disclosure-of-other-bytes', 'what.disclosure', async () => {
    const scenario = playScenario();
    const disclosure = inputDisclosure(scenario);
    const bytes = flip(disclosure.bytes);
    return exhibit(scenario, scenario.intent, [{ ...disclosure, bytes }]);
  }),
  unverifiable('outcome-of-an-observation', 'what.intent', () => {
    const scenario = playScenario({}, { answers: 'observation' });
    return exhibit(scenario, scenario.outcome);
  }),
  unverifiable('outcome-by-another-agent', 'what.intent', () => {
    const scenario = playScenario({}, { outcomeIn: 'session-of-another-agent' });
    return exhibit(scenario, scenario.outcome);
  }),
  ...timeCases(),
  unverifiable('decision-under-unknown-rules', 'rules.decision', () => {
    const decision = { verdict: 'permit', determining: ['rule0'], errors: [] } as const;
    return ofIntent(onKind('action', (entry) => ({ ...entry, ruleSetIndex: 1n, decision })));
  }),
  ...bundleCases(),
  ...checkpointCases(),
  ...anchorCases(),
];
function policyCases(): RejectCase[] {
  const underPolicy = (change: (ledger: CorpusLedger) => Partial<TrustPolicy>) => async () => {
    const { ledger, intent } = playScenario();
    const bytes = await buildBundle(ledger.source(), intent);
    return { bytes, policy: ledger.policy(change(ledger)) };
  };
  const foreignKey = formatVerifierKey({ name: 'ledger.example/corpus', key: attacker.publicKey });
  return [
    unverifiable(
      'policy-of-another-ledger',
      'who.ledger',
      underPolicy(() => ({ ledgerId: seed('x') })),
    ),
    unverifiable(
      'policy-of-another-origin',
      'who.origin',
      underPolicy(() => ({ origin: 'other' })),
    ),
    unverifiable('genesis-with-another-log-key', 'who.log-key', () =>
      ofIntent({ genesisLogKey: foreignKey }),
    ),
    unverifiable(
      'policy-of-another-appliance',
      'who.appliance',
      underPolicy(() => ({ appliances: [{ number: 0, id: seed('x'), label: 'emulated' }] })),
    ),
    unverifiable('entries-of-an-undescribed-appliance', 'who.appliances', () =>
      ofIntent({
        entry: (entry) =>
          entry.kind === 'statement' || entry.kind === 'action'
            ? { ...entry, appliance: 1 }
            : entry,
      }),
    ),
    unverifiable(
      'emulated-devices',
      'who.label',
      underPolicy(() => ({ acceptLabels: ['hardware'] })),
    ),
    unverifiable(
      'writer-level-too-low',
      'who.writer',
      underPolicy(() => ({ minimumWriterLevel: 'pidfd-inode' })),
    ),
    unverifiable('writer-level-of-the-session-too-low', 'who.writer', async () => {
      const scenario = playScenario(
        onKind('session.open', (entry) => ({ ...entry, writerLevel: 'credentials' })),
      );
      const { bytes } = await exhibit(scenario, scenario.intent);
      return { bytes, policy: scenario.ledger.policy({ minimumWriterLevel: 'pidfd' }) };
    }),
    unverifiable(
      'coverage-too-low',
      'what.coverage',
      underPolicy(() => ({ minimumCoverage: 'enforced' })),
    ),
    unverifiable(
      'time-level-too-low',
      'when.level',
      underPolicy(() => ({ minimumTimeLevel: 'DEGRADED' })),
    ),
  ];
}

function timeCases(): RejectCase[] {
  return [
    invalid('boot-of-another-run', 'when.boot', () =>
      ofIntent(
        {
          entry: (entry, index) =>
            entry.kind === 'boot' && index > 1n
              ? { ...entry, time: { ...entry.time, bootIndex: 1n } }
              : entry,
        },
        { beforeSession: (ledger) => ledger.boot() },
      ),
    ),
    invalid('run-that-was-over', 'when.boot', () =>
      ofIntent(
        onTime('statement', 'action', (time) => ({ ...time, bootIndex: 1n })),
        { beforeSession: (ledger) => ledger.boot() },
      ),
    ),
    invalid('time-goes-back', 'when.monotonic', () =>
      ofIntent(
        onTime('statement', 'action', (time) => ({
          ...time,
          taiNs: time.taiNs - 1_000_000_000n,
        })),
      ),
    ),
    invalid('interval-after-its-anchor', 'when.interval', () =>
      ofIntent({
        ...onTime('statement', 'action', (time) => ({ ...time, adversarialNs: 1000n })),
        evidence: (evidence) => ({
          ...evidence,
          realtimeBeforeNs: evidence.realtimeBeforeNs - 3_600_000_000_000n,
          realtimeAfterNs: evidence.realtimeAfterNs - 3_600_000_000_000n,
        }),
      }),
    ),
    invalid('interval-before-the-last-anchor', 'when.interval', () =>
      ofIntent({
        ...onTime('statement', 'action', (time) => ({ ...time, adversarialNs: 1000n })),
        evidence: (evidence) => ({
          ...evidence,
          realtimeBeforeNs: evidence.realtimeBeforeNs + 3_600_000_000_000n,
          realtimeAfterNs: evidence.realtimeAfterNs + 3_600_000_000_000n,
        }),
      }),
    ),
    invalid('tpm-clock-goes-back', 'when.anchor-clock', () =>
      ofIntent({ beforeRight: (tpm) => (tpm.clockMs -= 100n) }),
    ),
    ...rateCases(),
  ];
}

function bundleCases(): RejectCase[] {
  return [
    invalid('entry-that-nothing-needs', 'order.needs', async () => {
      const scenario = playScenario();
      const { ledger } = scenario;
      const source = ledger.source();
      const index = ledger.size - 1n;
      const entry = await source.entry(index);
      const path = await source.inclusionProof(index);
      return changeBundle(await exhibit(scenario, scenario.intent), ({ others }) => ({
        others: [...others, { index, entry, path }],
      }));
    }),
    invalid('reference-that-leads-forward', 'order.references', () => {
      let forward = -1n;
      const scenario = playScenario(
        {
          entry: (entry, index) =>
            index === forward - 1n
              ? { ...entry, time: { ...entry.time, timeEvidenceIndex: forward } }
              : entry,
        },
        {
          beforeSession: (ledger) => {
            forward = ledger.size + 1n;
            ledger.alarm();
            ledger.timeEvidence();
          },
        },
      );
      return exhibit(scenario, forward - 1n);
    }),
    invalid('entry-of-another-place', 'order.inclusion', async () =>
      changeBundle(await ofIntent(), ({ others: [first, ...rest] }) => {
        const { index, entry, path } = first as Bundle['others'][number];
        const [hash, ...above] = path as [Uint8Array, ...Uint8Array[]];
        return { others: [{ index, entry, path: [flip(hash), ...above] }, ...rest] };
      }),
    ),
    {
      ...invalid('checkpoint-older-than-the-entry', 'order.inclusion', () => ofOldCheckpoint()),
      also: ['order.anchor-consistency'],
    },
    invalid('entry-that-continues-another', 'order.chain', () =>
      ofIntent(
        onKind('action', (entry) => ({ ...entry, previousLeafHash: seed('another entry') })),
      ),
    ),
    invalid('agent-head-of-another-place', 'order.agent-head', async () =>
      changeBundle(await ofIntent(), ({ agentHead }) => ({
        agentHead: agentHead && { ...agentHead, leafIndex: 1n - agentHead.leafIndex },
      })),
    ),
  ];
}

/** As served by a log that went back: an old checkpoint over new paths. */
async function ofOldCheckpoint(): Promise<Exhibit> {
  const { ledger, intent } = playScenario();
  const checkpointBytes = ledger.checkpoint(ledger.head(intent));
  return changeBundle(await exhibit({ ledger }, intent), (bundle) => ({
    proof: formatTlogProof({ ...parseTlogProof(bundle.proof), checkpointBytes }),
  }));
}

const HOUR_MS = 3_600_000n;

/** Clocks of the evidence that do not run as the TPM's time does. */
function rateCases(): RejectCase[] {
  const ofOtherKernels: Flaws = {
    entry(entry, index) {
      if (entry.kind !== 'boot' || index === 1n) return entry;
      return { ...entry, kernelBootId: seed('another kernel boot').subarray(0, 16) };
    },
  };
  return [
    invalid('evidence-that-stood-still', 'when.anchor-rate', () =>
      ofIntent({}, { beforeAnchor: ({ tpm }) => (tpm.clockMs += HOUR_MS) }),
    ),
    invalid('evidence-that-ran-ahead', 'when.anchor-rate', () => ofIntent(aheadFrom(2))),
    unverifiable('kernel-started-anew-without-a-reset', 'when.anchor-rate', () =>
      ofIntent(ofOtherKernels, { beforeAnchor: (ledger) => ledger.boot() }),
    ),
  ];
}

/** From the anchor of this number on its clock shows an hour more. */
function aheadFrom(number: number): Flaws {
  let count = 0;
  return {
    evidence(reading) {
      count += 1;
      if (count < number) return reading;
      return { ...reading, monotonicRawNs: reading.monotonicRawNs + HOUR_MS * 1_000_000n };
    },
  };
}
