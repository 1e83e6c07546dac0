/**
 * Bundles that must not be VALID: for each check of the verifier one that this check alone refuses,
 * so that it passes, or at least is no longer INVALID, when the check is left out.
 */
import { quoteQualifier } from '../../src/anchor.ts';
import { buildBundle } from './build-bundle.ts';
import type { Bundle } from '../../src/bundle.ts';
import { encodeCbor } from '../../src/cbor.ts';
import type { Entry, EntryKind, EntryOf, EntryTime } from '../../src/entry.ts';
import { formatNote, formatVerifierKey, parseNote } from '../../src/note.ts';
import type { NoteSignature } from '../../src/note.ts';
import type { TrustPolicy } from '../../src/policy.ts';
import { formatTlogProof, parseTlogProof } from '../../src/tlog-proof.ts';
import { ed25519Signer, p256Signer, seed } from './keys.ts';
import type { Flaws } from './flaws.ts';
import type { CorpusLedger } from './ledger.ts';
import type { Exhibit, ScenarioOptions } from './scenario.ts';
import {
  changeBundle,
  exhibit,
  extending,
  flip,
  inputDisclosure,
  playScenario,
} from './scenario.ts';

export interface RejectCase {
  readonly name: string;
  /** The one check that refuses it. */
  readonly check: string;
  /** Checks that cannot but refuse it too. */
  readonly also?: readonly string[];
  readonly overall: 'INVALID' | 'UNVERIFIABLE';
  readonly make: () => Promise<Exhibit>;
}

const attacker = ed25519Signer('attacker');
const attackerOnP256 = p256Signer('attacker');

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
    ofIntent({
      document: (document) => ({ ...document, pcrIndex: 23 }),
      anchor: (draft, _, { tpm }) => ({
        ...draft,
        quote: tpm.quote(quoteQualifier(draft.counter.attest), 23),
      }),
    }),
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

function checkpointCases(): RejectCase[] {
  const withCheckpoint = (make: (ledger: CorpusLedger) => Uint8Array) => async () => {
    const { ledger, intent } = playScenario();
    return {
      bytes: await buildBundle(ledger.source(make(ledger)), intent),
      policy: ledger.policy(),
    };
  };
  const withLines = (change: (lines: readonly NoteSignature[]) => readonly NoteSignature[]) =>
    withCheckpoint((ledger) => {
      const note = parseNote(ledger.checkpoint());
      return formatNote({ ...note, signatures: change(note.signatures) });
    });
  const flipLine = (which: number) => (lines: readonly NoteSignature[]) =>
    lines.map((line, i) => (i === which ? { ...line, signature: flip(line.signature) } : line));
  const stranger = {
    name: 'witness.example',
    keyId: seed('id').subarray(0, 4),
    signature: seed('s'),
  };
  return [
    invalid(
      'checkpoint-of-another-origin',
      'order.checkpoint-origin',
      withCheckpoint((ledger) => ledger.checkpoint({ ...ledger.head(), origin: 'other.example' })),
    ),
    invalid(
      'log-key-line-twice',
      'order.log-signature',
      withLines((lines) => [...lines, ...lines.slice(0, 1)]),
    ),
    invalid('log-key-line-changed', 'order.log-signature', withLines(flipLine(0))),
    unverifiable(
      'log-key-line-missing',
      'order.log-signature',
      withLines((lines) => lines.slice(1)),
    ),
    invalid('tpm-line-changed', 'order.tpm-signature', withLines(flipLine(1))),
    unverifiable(
      'unknown-cosigner',
      'order.cosigners',
      withLines((lines) => [...lines, stranger]),
    ),
  ];
}

function anchorCases(): RejectCase[] {
  return [
    unverifiable('not-anchored', 'order.anchored', async () => {
      const { ledger, intent } = playScenario();
      const size = intent + 3n; // all three actions of the statement
      const checkpoint = ledger.checkpoint(ledger.head(size));
      const bytes = await buildBundle(ledger.source(checkpoint, size), intent);
      return { bytes, policy: ledger.policy() };
    }),
    invalid('first-anchor-passed-over', 'order.anchor-chain', async () => {
      const { ledger, intent } = playScenario();
      const source = ledger.source();
      const first = await source.coveringAnchor(intent);
      const later = { ...source, coveringAnchor: () => ledger.size - 2n };
      const bundle = { bytes: await buildBundle(later, intent), policy: ledger.policy() };
      return changeBundle(bundle, ({ others }) => ({
        others: others.filter(({ index }) => index !== first),
      }));
    }),
    invalid('anchored-tree-of-another-history', 'order.anchor-consistency', async () =>
      changeBundle(await ofIntent(), ({ consistency: [first, ...rest] }) => ({
        consistency: [flip(first as Uint8Array), ...rest],
      })),
    ),
    invalid('anchor-of-another-checkpoint', 'order.anchor-checkpoint', () =>
      ofIntent({
        anchor: (draft, _, ledger) => ({
          ...draft,
          checkpoint: ledger.checkpoint({ ...ledger.head(), root: seed('another root') }),
        }),
      }),
    ),
    unverifiable('anchor-without-its-tpm-line', 'order.anchor-checkpoint', () =>
      ofIntent({
        anchor: (draft, _, ledger) => ({
          ...draft,
          checkpoint: ledger.checkpoint(ledger.head(), 'log'),
        }),
      }),
    ),
    invalid('attestation-by-another-key', 'order.anchor-signatures', () =>
      ofIntent({
        anchor: (draft) => ({
          ...draft,
          left: { ...draft.left, signature: attackerOnP256.sign(draft.left.attest) },
        }),
      }),
    ),
    invalid('anchor-of-other-agent-heads', 'order.anchor-binding', async () => {
      const flaws: Flaws = { anchor: (draft) => ({ ...draft, agentHeadsRoot: seed('x') }) };
      return changeBundle(await ofIntent(flaws), () => ({ agentHead: null }));
    }),
    invalid('counter-not-as-expected', 'order.anchor-counter', () =>
      ofIntent({
        beforeRight: (tpm) => (tpm.counter += 1n),
        anchor: (draft, _, { tpm }) => {
          tpm.counter -= 1n;
          return draft;
        },
      }),
    ),
    invalid('counter-jumps', 'order.anchor-chain', () =>
      ofIntent({}, { beforeAnchor: ({ tpm }) => (tpm.counter += 1n) }),
    ),
    invalid('quote-without-a-pcr', 'order.anchor-extras', () =>
      ofIntent({ anchor: (draft, _, { tpm }) => ({ ...draft, quote: tpm.quote(seed('x'), 14) }) }),
    ),
    invalid('quote-not-of-its-anchor', 'order.anchor-extras', () =>
      ofIntent({
        document: (document) => ({ ...document, pcrIndex: 14 }),
        anchor: (draft, _, { tpm }) => ({ ...draft, quote: tpm.quote(seed('x'), 14) }),
      }),
    ),
    invalid('extend-index-in-part', 'order.anchor-extras', () => ofIntent(extending(31))),
    invalid('quote-of-another-pcr', 'order.anchor-extras', () =>
      ofIntent({
        document: (document) => ({ ...document, pcrIndex: 14 }),
        anchor: (draft, _, { tpm }) => ({
          ...draft,
          quote: tpm.quote(quoteQualifier(draft.counter.attest), 13),
        }),
      }),
    ),
  ];
}

async function ofIntent(flaws: Flaws = {}, options: ScenarioOptions = {}): Promise<Exhibit> {
  const scenario = playScenario(flaws, options);
  return exhibit(scenario, scenario.intent);
}

/** As served by a log that went back: an old checkpoint over new paths. */
async function ofOldCheckpoint(): Promise<Exhibit> {
  const { ledger, intent } = playScenario();
  const checkpointBytes = ledger.checkpoint(ledger.head(intent));
  return changeBundle(await exhibit({ ledger }, intent), (bundle) => ({
    proof: formatTlogProof({ ...parseTlogProof(bundle.proof), checkpointBytes }),
  }));
}

/** A flaw in the time of every entry of two kinds. */
function onTime(
  ...[one, other, change]: [EntryKind, EntryKind, (time: EntryTime) => EntryTime]
): Pick<Flaws, 'entry'> {
  return {
    entry: (entry) =>
      entry.kind === one || entry.kind === other ? { ...entry, time: change(entry.time) } : entry,
  };
}

/** A flaw in every entry of one kind. */
function onKind<K extends EntryKind>(
  kind: K,
  change: (entry: EntryOf<K>) => EntryOf<K>,
): Pick<Flaws, 'entry'> {
  return {
    entry: (entry) =>
      entry.kind === kind ? (change(entry as unknown as EntryOf<K>) as unknown as Entry) : entry,
  };
}

function invalid(name: string, check: string, make: RejectCase['make']): RejectCase {
  return { name, check, overall: 'INVALID', make };
}

function unverifiable(name: string, check: string, make: RejectCase['make']): RejectCase {
  return { name, check, overall: 'UNVERIFIABLE', make };
}
