/** Checkpoints and anchors that must not be believed. */
import { quoteQualifier } from '../../src/anchor.ts';
import { formatNote, parseNote } from '../../src/note.ts';
import type { NoteSignature } from '../../src/note.ts';
import { buildBundle } from './build-bundle.ts';
import type { Flaws } from './flaws.ts';
import type { CountedOptions } from './forged-case.ts';
import { ofCounted } from './forged-case.ts';
import { seed } from './keys.ts';
import { CorpusLedger } from './ledger.ts';
import type { RejectCase } from './reject-case.ts';
import { attackerOnP256, invalid, ofIntent, onKind, unverifiable } from './reject-case.ts';
import { operatorKey } from './operators.ts';
import { withRegisters } from './registers.ts';
import { ofRestored } from './restores.ts';
import type { Exhibit } from './scenario.ts';
import { changeBundle, exhibit, flip, observationEnvelope, playScenario } from './scenario.ts';

export function checkpointCases(): RejectCase[] {
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

export function anchorCases(): RejectCase[] {
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
    {
      // The anchor that denies it was attested before it: the clock shows the same.
      ...invalid('anchor-that-later-ones-deny', 'when.anchor-clock', () => ofDeniedAnchor()),
      also: ['order.anchor-chain'],
    },
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
    invalid('restore-ordered-by-nobody', 'order.anchor-chain', () =>
      ofRestored({ key: operatorKey('eve', 'ssh-ed25519') }),
    ),
    invalid('restore-of-another-tree', 'order.anchor-chain', () =>
      ofRestored({ restoration: () => ({ root: seed('another tree') }) }),
    ),
    invalid('restore-that-had-expired', 'order.anchor-chain', () =>
      ofRestored({ order: { expiryTaiNs: 1n } }),
    ),
    invalid('counter-that-jumps-behind-a-restore', 'order.anchor-chain', () =>
      ofRestored({ counted: 1n }),
    ),
    invalid('extend-index-of-another-history', 'order.anchor-replay', () =>
      ofCounted({}, { between: ({ tpm }) => tpm.extendBy(seed('x'), 8n) }),
    ),
    invalid('boot-quote-of-another-boot', 'order.boot-quote', () =>
      ofCounted(onKind('boot', (entry) => ({ ...entry, bootNumber: 9 }))),
    ),
    unverifiable('boot-of-another-firmware', 'order.boot-quote', () => expecting(0, seed('x'))),
    unverifiable('boot-quote-without-a-pcr-that-is-expected', 'order.boot-quote', () =>
      expecting(4, seed('x')),
    ),
    unverifiable('boot-without-the-quote-that-is-expected', 'order.boot-quote', () =>
      expecting(0, seed('x'), { withBootQuote: false }),
    ),
    invalid('quote-without-a-pcr', 'order.anchor-extras', () =>
      ofIntent({ anchor: (draft, _, { tpm }) => ({ ...draft, quote: tpm.quote(seed('x')) }) }),
    ),
    invalid('quote-not-of-its-anchor', 'order.anchor-extras', () =>
      ofIntent(
        withRegisters({
          anchor: (draft, _, { tpm }) => ({ ...draft, quote: tpm.quote(seed('x')) }),
        }),
      ),
    ),
    {
      ...invalid('extend-index-in-part', 'order.anchor-extras', () =>
        ofIntent(withRegisters({}, { pcrIndex: null, extendSizeBytes: 31 })),
      ),
      also: ['order.anchor-replay'],
    },
    invalid('quote-of-another-pcr', 'order.anchor-extras', () =>
      ofIntent(
        withRegisters(
          {
            anchor: (draft, _, { tpm }) => ({
              ...draft,
              quote: tpm.quote(quoteQualifier(draft.counter.attest), [13]),
            }),
          },
          { withBootQuote: false },
        ),
      ),
    ),
  ];
}

/** Under a policy that expects a PCR to hold `value` after the boot. */
async function expecting(
  ...[pcr, value, options = {}]: readonly [number, Uint8Array, CountedOptions?]
): Promise<Exhibit> {
  const { bytes, policy } = await ofCounted({}, options);
  return { bytes, policy: { ...policy, expectedPcrs: [{ pcr, value }] } };
}

/** Two anchors follow the first; the later ones go on from the second as if the other were not. */
async function ofDeniedAnchor(): Promise<Exhibit> {
  const ledger = new CorpusLedger('alpha');
  const session = ledger.openSession(ledger.enrol('clerk'));
  ledger.anchor('counter-anchor');
  let index = 0n;
  ledger.anchor('anchor', () => {
    ledger.anchor('anchor');
    [index = 0n] = ledger.submit(session, [observationEnvelope()]);
  });
  ledger.anchor('anchor');
  return exhibit({ ledger }, index);
}
