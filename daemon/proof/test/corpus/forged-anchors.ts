/** Anchors whose values are not the attested ones, or whose attestations are of other anchors. */
import { decodeEntry, isAnchorEntry } from '../../src/entry.ts';
import type { AnchorEntry, EntryOf } from '../../src/entry.ts';
import { formatNote, parseNote } from '../../src/note.ts';
import { sha256 } from '../../src/sha256.ts';
import { decodeTimeEvidence, encodeTimeEvidence } from '../../src/time-evidence.ts';
import type { AnchorDraft } from './flaws.ts';
import type { CountedOptions, Refusal } from './forged-case.ts';
import { forged, forgedBy, ofCounted } from './forged-case.ts';
import { seed } from './keys.ts';
import type { CorpusLedger } from './ledger.ts';
import type { RejectCase } from './reject-case.ts';
import { onKind } from './reject-case.ts';
import { flip } from './scenario.ts';
import type { SoftwareTpm } from './software-tpm.ts';
import { ANCHOR_PCR } from './software-tpm.ts';

/** `before` is the first of the two anchors. */
type Change = (draft: AnchorDraft, before: AnchorEntry, ledger: CorpusLedger) => object;

const BINDING = 'order.anchor-binding';
const COUNTER = 'order.anchor-counter';
const CHAIN = 'order.anchor-chain';
const CLOCK = 'when.anchor-clock';
const RATE = 'when.anchor-rate';
const BOOT = 'order.boot-quote';
const EXTRAS = 'order.anchor-extras';
const REPLAY = 'order.anchor-replay';
const CHECKPOINT = 'order.anchor-checkpoint';
const CONSISTENCY = 'order.anchor-consistency';
const HEAD = 'order.agent-head';

/** The second anchor, changed after its attestations were made. */
const drafts: readonly (readonly [name: string, refusal: Refusal, change: Change])[] = [
  [
    'size-not-as-attested',
    [BINDING, CHECKPOINT, CONSISTENCY, REPLAY],
    ({ size }) => ({ size: size + 1n }),
  ],
  [
    'root-not-as-attested',
    [BINDING, CHECKPOINT, CONSISTENCY, REPLAY],
    () => ({ root: seed('another') }),
  ],
  [
    'agent-heads-not-as-attested',
    [BINDING, REPLAY, HEAD],
    () => ({ agentHeadsRoot: seed('another') }),
  ],
  [
    'evidence-not-as-attested',
    [BINDING, REPLAY],
    ({ evidence }) => ({ evidence: oneLater(evidence) }),
  ],
  [
    'counter-not-as-attested',
    [COUNTER, BINDING, CHAIN, REPLAY],
    (draft) => ({ counterExpected: draft.counterExpected + 1n }),
  ],
  ['sequence-not-as-attested', [CHAIN, BINDING, REPLAY], () => ({ anchorSequence: 2n })],
  [
    'predecessor-not-as-attested',
    [CHAIN, BINDING, REPLAY],
    () => ({ previousAnchorLeafHash: seed('another') }),
  ],
  ['predecessor-left-out', [CHAIN, REPLAY], () => ({ previousAnchorIndex: null })],
  ['L-replayed', [BINDING, CLOCK], (_, { left }) => ({ left })],
  ['R-replayed', [BINDING, CLOCK], (_, { right }) => ({ right })],
  ['N-replayed', [BINDING, COUNTER, CLOCK, EXTRAS], (_, { counter }) => ({ counter })],
  ['quote-replayed', [EXTRAS, CLOCK, REPLAY], (_, { quote }) => ({ quote })],
  ['extend-replayed', [EXTRAS, CLOCK, REPLAY], (_, { extend }) => ({ extend })],
  [
    'L-R-and-N-replayed',
    [BINDING, COUNTER, CLOCK, EXTRAS],
    (_, { left, right, counter }) => ({ left, right, counter }),
  ],
  ['L-and-R-exchanged', [BINDING, CLOCK], ({ left, right }) => ({ left: right, right: left })],
  ['L-twice', BINDING, ({ left }) => ({ right: left })],
  ['R-twice', BINDING, ({ right }) => ({ left: right })],
  [
    'R-and-N-exchanged',
    [BINDING, COUNTER, CLOCK, EXTRAS],
    ({ right, counter }) => ({ right: counter, counter: right }),
  ],
  [
    'N-and-extend-exchanged',
    [BINDING, COUNTER, CLOCK, EXTRAS, REPLAY],
    ({ counter, extend }) => ({ counter: extend, extend: counter }),
  ],
  [
    'quote-and-extend-exchanged',
    [EXTRAS, CLOCK],
    ({ quote, extend }) => ({ quote: extend, extend: quote }),
  ],
  ['quote-left-out', EXTRAS, () => ({ quote: null })],
  ['extend-left-out', EXTRAS, () => ({ extend: null })],
  ['checkpoint-replayed', CHECKPOINT, (_, { checkpoint }) => ({ checkpoint })],
  [
    'checkpoint-of-another-tpm-key',
    CHECKPOINT,
    ({ checkpoint }) => ({ checkpoint: withLine(checkpoint, 1) }),
  ],
  [
    'checkpoint-of-another-log-key',
    CHECKPOINT,
    ({ checkpoint }) => ({ checkpoint: withLine(checkpoint, 0) }),
  ],
  ['count-called-no-count', [CHAIN, EXTRAS], () => ({ kind: 'anchor' })],
];

/** What the box did besides what its anchors say. */
const histories: readonly (readonly [name: string, refusal: Refusal, options: CountedOptions])[] = [
  ['counter-that-jumps', CHAIN, { between: ({ tpm }) => (tpm.counter += 1n) }],
  ['counter-that-does-not-count', CHAIN, { between: ({ tpm }) => (tpm.counter -= 1n) }],
  ['counter-that-goes-back', [CHAIN, COUNTER], { between: ({ tpm }) => (tpm.counter -= 2n) }],
  ['resets-that-go-back', [CLOCK, REPLAY], { between: ({ tpm }) => (tpm.resetCount -= 1) }],
  ['evidence-of-no-time-passed', RATE, { between: ({ tpm }) => (tpm.clockMs += 86_400_000n) }],
  ['clock-that-goes-back', CLOCK, { between: ({ tpm }) => (tpm.clockMs -= 1000n) }],
  ['another-head-at-the-same-count', REPLAY, { between: ({ tpm }) => tpm.extendBy(seed('x'), 8n) }],
  ['another-head-at-the-next-count', REPLAY, { between: ({ tpm }) => tpm.extendBy(seed('x'), 9n) }],
  ['index-made-anew', REPLAY, { between: ({ tpm }) => (tpm.extendValue = new Uint8Array(32)) }],
  ['index-not-extended', REPLAY, { extendBy: () => undefined }],
  ['pcr-extended-by-another-anchor', REPLAY, { between: ({ tpm }) => setPcr(tpm, seed('x')) }],
  ['pcr-that-was-reset', REPLAY, { between: ({ tpm }) => setPcr(tpm, new Uint8Array(32)) }],
  [
    'pcr-not-extended',
    REPLAY,
    {
      extendBy({ tpm }, { anchorSequence, counterExpected }, digest) {
        const value = tpm.pcrValue(ANCHOR_PCR);
        tpm.extendBy(digest, counterExpected);
        if (anchorSequence === 1n) setPcr(tpm, value);
      },
    },
  ],
  ['tpm-reset-without-a-boot-entry', REPLAY, { between: ({ tpm }) => (tpm.resetCount += 1) }],
  [
    'boot-entry-of-another-pcr',
    REPLAY,
    {
      between(ledger) {
        setPcr(ledger.tpm, seed('x'));
        ledger.boot();
      },
    },
  ],
  [
    'index-extended-without-its-count',
    REPLAY,
    { extendBy: ({ tpm }, _, digest) => (tpm.extendValue = sha256(tpm.extendValue, digest)) },
  ],
  [
    'index-that-did-not-begin-with-the-ledger',
    REPLAY,
    {
      extendBy({ tpm }, { anchorSequence, counterExpected }, digest) {
        if (anchorSequence === 0n) tpm.extendValue = new Uint8Array(32);
        tpm.extendBy(digest, counterExpected);
      },
    },
  ],
];

/** The boot entry, changed after its quote was made. */
const boots: readonly (readonly [string, (boot: BootEntry) => Partial<BootEntry>])[] = [
  ['boot-number-not-as-attested', () => ({ bootNumber: 9 })],
  ['kernel-boot-not-as-attested', () => ({ kernelBootId: seed('another').subarray(0, 16) })],
  ['pcr-values-not-as-attested', ({ bootQuote }) => ({ bootQuote: withValue(bootQuote) })],
  ['pcr-value-left-out', ({ bootQuote }) => ({ bootQuote: withoutPcr(bootQuote, 0) })],
  ['anchor-pcr-left-out', ({ bootQuote }) => ({ bootQuote: withoutPcr(bootQuote, ANCHOR_PCR) })],
];

export const FORGED_ANCHORS: readonly RejectCase[] = [
  ...drafts.map(([name, refusal, change]) => forged(name, refusal, { anchor: onSecond(change) })),
  ...histories.map(([name, refusal, options]) =>
    forgedBy(name, refusal, () => ofCounted({}, options)),
  ),
  ...boots.map(([name, change]) =>
    forged(
      name,
      BOOT,
      onKind('boot', (entry) => ({ ...entry, ...change(entry) })),
    ),
  ),
  forged('counter-not-above-its-base', [COUNTER, CHAIN], {
    document: (document) => ({ ...document, counterBase: 8 }),
  }),
];

type BootEntry = EntryOf<'boot'>;
type BootQuote = BootEntry['bootQuote'];

function withValue(quote: BootQuote): BootQuote {
  const values = quote?.values.map((each) =>
    each.pcr === 0 ? { ...each, value: seed('another') } : each,
  );
  return quote && { ...quote, values: values ?? [] };
}

function withoutPcr(quote: BootQuote, pcr: number): BootQuote {
  return quote && { ...quote, values: quote.values.filter((each) => each.pcr !== pcr) };
}

function setPcr(tpm: SoftwareTpm, value: Uint8Array): void {
  tpm.pcrs.set(ANCHOR_PCR, value);
}

function onSecond(change: Change) {
  return (draft: AnchorDraft, _: bigint, ledger: CorpusLedger): AnchorDraft => {
    if (draft.previousAnchorIndex === null) return draft;
    const before = decodeEntry(ledger.entries[Number(draft.previousAnchorIndex)] as Uint8Array);
    if (!isAnchorEntry(before)) throw new Error('no anchor before the second');
    return { ...draft, ...change(draft, before, ledger) };
  };
}

function oneLater(evidence: Uint8Array): Uint8Array {
  const reading = decodeTimeEvidence(evidence);
  return encodeTimeEvidence({ ...reading, realtimeAfterNs: reading.realtimeAfterNs + 1n });
}

/** A note with one bit of one of its signatures changed. */
function withLine(checkpoint: Uint8Array, which: number): Uint8Array {
  const note = parseNote(checkpoint);
  const signatures = note.signatures.map((line, i) =>
    i === which ? { ...line, signature: flip(line.signature) } : line,
  );
  return formatNote({ ...note, signatures });
}
