import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeAnchoredReceipt, encodeAnchoredReceipt } from '../../src/bundle.ts';
import { encodeUtf8 } from '../../src/bytes.ts';
import type { PairOptions, PairVerdict } from '../../src/verify/pair.ts';
import { verifyPair } from '../../src/verify/pair.ts';
import { buildBundle } from '../corpus/build-bundle.ts';
import { ed25519Signer, seed } from '../corpus/keys.ts';
import { CorpusLedger } from '../corpus/ledger.ts';
import { changeBundle, exhibit, flip, observationEnvelope } from '../corpus/scenario.ts';
import { rememberingVerifier } from '../support/remembering-verifier.ts';

const options = { verifyBatch: rememberingVerifier() };

interface Story {
  readonly ledger: CorpusLedger;
  /** An action before the first anchor. */
  readonly first: bigint;
  /** An action after it. */
  readonly second: bigint;
}

/** One beginning, the same each time; then what `go` does. */
function story(operation: string, go: (ledger: CorpusLedger) => unknown): Story {
  const ledger = new CorpusLedger('alpha');
  const session = ledger.openSession(ledger.enrol('clerk'));
  const [first = 0n] = ledger.submit(session, [observationEnvelope()]);
  ledger.anchor('counter-anchor');
  const [second = 0n] = ledger.submit(session, [{ ...observationEnvelope(), operation }]);
  go(ledger);
  return { ledger, first, second };
}

const anchored = (ledger: CorpusLedger): unknown => ledger.anchor('anchor');
const honest = story('read', anchored);
const forked = story('delete', anchored);
const policy = honest.ledger.policy();
const bundleOf = async ({ ledger, second }: Story, size?: bigint): Promise<Uint8Array> => {
  const checkpoint = ledger.checkpoint(ledger.head(size));
  return buildBundle(ledger.source(checkpoint, size), second);
};
const compare = (a: Uint8Array, b: Uint8Array, more: PairOptions = {}): Promise<PairVerdict> =>
  verifyPair(a, b, policy, { ...options, ...more });

/** The receipt that `ledger` gives for the statement before its first action. */
async function receiptOf({ ledger, second }: Story): Promise<Uint8Array> {
  const source = ledger.source();
  const located = async (index: bigint): Promise<ReturnType<typeof asLocated>> =>
    asLocated(index, await source.entry(index), await source.inclusionProof(index));
  const covering = (await source.coveringAnchor(second)) ?? 0n;
  const { checkpoint } = source;
  return encodeAnchoredReceipt({
    checkpoint,
    anchor: await located(covering),
    statement: await located(second - 1n),
    consistency: await source.consistencyProof(second + 1n),
  });
}

function asLocated(index: bigint, entry: Uint8Array, path: readonly Uint8Array[]) {
  return { index, entry, path };
}

describe('verify, two pieces of evidence', function () {
  this.timeout(0); // bounded by the number of verdicts, not by time

  it('of one history are consistent, whatever they are', async () => {
    const pieces = [
      await bundleOf(honest),
      await receiptOf(honest),
      honest.ledger.checkpoint(),
      honest.ledger.checkpoint(honest.ledger.head(), 'log'),
      (await exhibit(honest, honest.first)).bytes,
    ];
    for (const a of pieces) {
      for (const b of pieces) {
        const verdict = await compare(a, b);
        assert.equal(verdict.headline, 'VALID: consistent', verdict.text);
        assert.deepEqual(verdict.contradictions, []);
      }
    }
    assert.equal(
      (await compare(pieces[0] as Uint8Array, honest.ledger.checkpoint())).policy,
      'corpus',
    );
  });

  it('are consistent where the older tree is one that the newer evidence leads from', async () => {
    const older = honest.ledger.checkpoint(honest.ledger.head(honest.second + 1n));
    for (const newer of [await bundleOf(honest), await receiptOf(honest)]) {
      for (const pair of [
        [older, newer],
        [newer, older],
      ] as const) {
        const { headline, text } = await compare(...pair);
        assert.equal(headline, 'VALID: consistent', text);
        assert.match(text, /is the beginning of/);
      }
    }
  });

  it('are not comparable where nothing leads from one to the other', async () => {
    const { ledger } = story('read', (each) => {
      anchored(each);
      each.alarm();
      each.alarm();
    });
    const [older, newer] = [honest.ledger.checkpoint(), ledger.checkpoint()];
    const open = await compare(older, newer);
    assert.equal(open.headline, 'UNVERIFIABLE');
    assert.match(open.text, /a consistency proof from \d+ to \d+ would/);
    const oldSize = honest.ledger.size;
    const path = await ledger.source().consistencyProof(oldSize);
    const shown = await compare(newer, older, { consistency: { oldSize, path } });
    assert.equal(shown.headline, 'VALID: consistent', shown.text);
    const wrong = path.map((hash) => flip(hash));
    const bad = await compare(newer, older, { consistency: { oldSize, path: wrong } });
    assert.deepEqual([bad.headline, bad.contradictions.length], ['INVALID', 0]);
    const elsewhere = { oldSize: oldSize - 1n, path };
    assert.equal(
      (await compare(older, newer, { consistency: elsewhere })).headline,
      'UNVERIFIABLE',
    );
  });

  it('of two histories contradict, in both orders and in every form', async () => {
    const pieces = async (each: Story): Promise<Uint8Array[]> => [
      await bundleOf(each),
      await receiptOf(each),
      each.ledger.checkpoint(),
    ];
    for (const a of await pieces(honest)) {
      for (const b of await pieces(forked)) {
        for (const pair of [
          [a, b],
          [b, a],
        ] as const) {
          const verdict = await compare(...pair);
          assert.equal(verdict.headline, 'INVALID: equivocation', verdict.text);
          assert.ok(verdict.contradictions.some((text) => /^two trees of \d+ entries/.test(text)));
        }
      }
    }
    const { contradictions, sides } = await compare(await bundleOf(honest), await bundleOf(forked));
    assert.deepEqual(
      sides.map(({ overall }) => overall),
      ['VALID', 'VALID'],
    );
    assert.ok(contradictions.some((text) => /^two entries \d+: A has leaf hash/.test(text)));
    assert.ok(
      contradictions.some((text) => text.startsWith('anchor 1 of A and anchor 1 of B: two')),
    );
  });

  it('contradict even where the policy trusts neither of them', async () => {
    const strict = { ...policy, acceptLabels: ['hardware'] } as const;
    const verdict = await verifyPair(
      await bundleOf(honest),
      await bundleOf(forked),
      strict,
      options,
    );
    assert.equal(verdict.headline, 'INVALID: equivocation');
    const same = await verifyPair(await bundleOf(honest), await bundleOf(honest), strict, options);
    assert.equal(same.headline, 'UNVERIFIABLE');
  });

  const forks: readonly (readonly [string, Story, Story, RegExp])[] = [
    [
      'the anchor before another is another one',
      story('read', anchored),
      story('delete', (ledger) => {
        ledger.anchor('anchor', () => ledger.alarm());
        ledger.alarm();
        ledger.anchor('anchor');
      }),
      /anchor 1 of A and anchor 2 of B: the second names another anchor/,
    ],
    [
      'the later anchor is of the shorter log',
      story('read', (ledger) => {
        for (let i = 0; i < 20; i++) ledger.alarm();
        anchored(ledger);
      }),
      story('delete', (ledger) => {
        for (let i = 0; i < 3; i++) anchored(ledger);
      }),
      /anchor 1 of A and anchor 3 of B: the second is of a shorter log/,
    ],
    [
      'the counter goes back from anchor to anchor',
      story('read', (ledger) => ledger.anchor('counter-anchor')),
      story('delete', (ledger) => {
        for (let i = 0; i < 4; i++) {
          ledger.alarm();
          ledger.anchor('anchor');
        }
      }),
      /anchor 1 of A and anchor [34] of B: the TPM's counter went from 9 to 8/,
    ],
    [
      'the counter goes on by more than there are anchors',
      story('read', (ledger) => {
        for (let i = 0; i < 3; i++) anchored(ledger);
      }),
      story('delete', (ledger) => {
        for (let i = 0; i < 4; i++) ledger.anchor('counter-anchor');
      }),
      /anchor 1 of A and anchor [234] of B: the TPM's counter went from 8 to 1[0-2]/,
    ],
    [
      'the later anchor was made before the earlier one',
      story('read', (ledger) => {
        ledger.tpm.clockMs += 10_000n;
        anchored(ledger);
      }),
      story('delete', (ledger) => {
        for (let i = 0; i < 4; i++) {
          ledger.alarm();
          anchored(ledger);
        }
      }),
      /anchor 1 of A and anchor [34] of B: by the TPM's clock the second was made before/,
    ],
  ];
  for (const [title, one, other, message] of forks) {
    it(`contradict where ${title}`, async () => {
      const last = other.ledger.size - 2n;
      const later = await buildBundle(other.ledger.source(), last);
      const pairs = [
        [await bundleOf(one), later],
        [later, await bundleOf(one)],
      ] as const;
      const texts: readonly string[] = (await compare(...pairs[0])).contradictions;
      assert.ok(
        texts.some((text) => message.test(text)),
        texts.join('\n'),
      );
      const { headline, contradictions } = await compare(...pairs[1]);
      assert.equal(headline, 'INVALID: equivocation');
      assert.equal(contradictions.length, texts.length);
    });
  }

  it('are judged by the worse of the two where nothing contradicts', async () => {
    const bundle = await bundleOf(honest);
    const broken = changeBundle({ bytes: bundle, policy }, () => ({ agentHead: null })).bytes;
    const cut = bundle.subarray(0, -1);
    const foreign = new CorpusLedger('beta');
    const stranger = ed25519Signer('stranger');
    const logOnly = honest.ledger.checkpoint(honest.ledger.head(), 'log');
    const cases: readonly (readonly [Uint8Array, string, RegExp])[] = [
      [broken, 'VALID: consistent', /./],
      [cut, 'INVALID', /^B by itself is INVALID: bundle-invalid|^B by itself is INVALID: neither/],
      [encodeUtf8('hello\n'), 'INVALID', /^B by itself is INVALID: note: /],
      [Uint8Array.of(0xff, 0xfe), 'INVALID', /neither a bundle/],
      [foreign.checkpoint(), 'UNVERIFIABLE', /signature of the log key is absent/],
      [foreign.checkpoint({ ...foreign.head(), origin: 'other' }), 'UNVERIFIABLE', /of the log/],
      [(await exhibit({ ledger: foreign }, 0n)).bytes, 'UNVERIFIABLE', /who.ledger/],
      [flipNote(logOnly), 'INVALID', /signature of the log key is invalid|note: /],
      [
        honest.ledger.checkpoint({ ...honest.ledger.head(), root: stranger.publicKey.bytes }),
        'INVALID: equivocation',
        /two histories/,
      ],
    ];
    for (const [other, headline, message] of cases) {
      const verdict = await compare(bundle, other);
      assert.equal(verdict.headline, headline, verdict.text);
      assert.match(verdict.text, message);
    }
  });

  it('a receipt whose paths lead elsewhere claims nothing', async () => {
    const receipt = await receiptOf(honest);
    const whole = decodeAnchoredReceipt(receipt);
    const changed = [
      { ...whole, statement: { ...whole.statement, index: whole.statement.index + 1n } },
      { ...whole, anchor: whole.statement },
      { ...whole, anchor: { ...whole.anchor, path: [] } },
      { ...whole, consistency: [seed('x')] },
    ];
    for (const value of changed) {
      const verdict = await compare(honest.ledger.checkpoint(), encodeAnchoredReceipt(value));
      assert.equal(verdict.headline, 'INVALID');
      assert.equal(verdict.sides[1].size, null);
    }
  });

  it('no byte of either can be changed so that an honest log is accused', async () => {
    const [bundle, receipt] = [await bundleOf(honest), await receiptOf(honest)];
    const pieces = [bundle, receipt, honest.ledger.checkpoint()];
    let count = 0;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += 29) {
        const { headline } = await compare(bundle, flip(piece, at));
        assert.notEqual(headline, 'INVALID: equivocation', `byte ${at}`);
        count += 1;
      }
    }
    assert.ok(count > 200, `${count} changes`);
  });
});

/** One bit of the last signature of a note. */
function flipNote(note: Uint8Array): Uint8Array {
  const changed = note.slice();
  const at = note.length - 12;
  changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
  return changed;
}
