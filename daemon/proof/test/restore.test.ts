import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeBundle } from '../src/bundle.ts';
import { encodeHex } from '../src/bytes.ts';
import { decodeEntry, encodeEntry } from '../src/entry.ts';
import { encodeProvisioningRecord, ledgerIdOf } from '../src/identifier.ts';
import { leafHash } from '../src/merkle.ts';
import { encodeOperatorOrder, type OperatorOrder } from '../src/operator-order.ts';
import { decodeRestoration, encodeRestoration, type Restoration } from '../src/restoration.ts';
import { ZERO_HASH } from '../src/sha256.ts';
import { encodeSshsig } from '../src/sshsig.ts';
import { LogAudit } from '../src/verify/audit.ts';
import { operatorKey, type OperatorKey } from './corpus/operators.ts';
import { committedCases, committedExhibit } from './support/committed-corpus.ts';

const ada = operatorKey('ada', 'ssh-ed25519');
const ben = operatorKey('ben', 'sk-ecdsa-sha2-nistp256@openssh.com');
const eve = operatorKey('eve', 'ssh-ed25519');
const restoreIndex = 5n;
const accepted = committedCases('accept').map(({ name }) =>
  decodeBundle(committedExhibit('accept', name).bytes),
);

/** A genesis entry as committed, of a ledger with two operators. */
const genesis = (() => {
  const [known] = accepted;
  const bytes = known?.others.find(({ index }) => index === 0n)?.entry;
  assert(bytes !== undefined);
  const entry = decodeEntry(bytes);
  assert(entry.kind === 'genesis');
  const provisioningRecord = encodeProvisioningRecord({
    version: 1,
    origin: 'log.example.org/restore',
    trustDomain: 'example.org',
    operators: [
      { name: 'ada', sshPublicKey: ada.line },
      { name: 'ben', sshPublicKey: ben.line },
    ],
    nonce: new Uint8Array(32).fill(9),
  });
  return { entry, provisioningRecord, bytes: encodeEntry({ ...entry, provisioningRecord }) };
})();
const ledgerId = ledgerIdOf(genesis.provisioningRecord);

const restoration: Restoration = {
  version: 1,
  size: restoreIndex,
  root: new Uint8Array(32).fill(3),
  previousAnchorIndex: null,
  previousAnchorLeafHash: ZERO_HASH,
  nextAnchorSequence: 0n,
  anchoredSize: 0n,
  logged: { counter: 1n, extend: null },
  found: { counter: 4n, extend: null, pcr: null, resetCount: 2, restartCount: 0, clockMs: 77n },
};
const order: OperatorOrder = {
  kind: 'restore',
  ledgerId,
  nonce: new Uint8Array(32).fill(1),
  expiryTaiNs: genesis.entry.time.taiNs + 10n,
  payload: encodeRestoration(restoration),
};

describe('restore entries', () => {
  it('encode and decode, whatever they hold of the TPM', () => {
    const encoded = encodeRestoration(restoration);
    assert.deepEqual(decodeRestoration(encoded), restoration);
    const bad: Partial<Restoration>[] = [
      { previousAnchorIndex: 3n },
      { nextAnchorSequence: 1n },
      { anchoredSize: 1n },
      { previousAnchorIndex: 3n, nextAnchorSequence: 1n, anchoredSize: restoreIndex + 1n },
    ];
    for (const changes of bad) {
      assert.throws(() => encodeRestoration({ ...restoration, ...changes }), {
        code: 'order-invalid',
      });
    }
  });

  it('stand when an operator signed them, or several did', async () => {
    for (const keys of [[ada], [ben], [ada, ben]]) {
      assert.deepEqual(await problemsOf({ keys }), []);
    }
  });

  it('do not stand for an order that is not good', async () => {
    const cases: readonly [RegExp, Draft][] = [
      [/the key is of no operator/u, { keys: [eve] }],
      [/the key is of no operator/u, { keys: [ada, eve] }],
      [/'ada' signed twice/u, { keys: [ada, ada] }],
      [/is for 'alarm'/u, { order: { kind: 'alarm' } }],
      [/to another ledger/u, { order: { ledgerId: new Uint8Array(32) } }],
      [/had expired/u, { order: { expiryTaiNs: genesis.entry.time.taiNs - 1n } }],
      [/of another tree/u, { restoration: { size: restoreIndex + 1n } }],
      [/not a signature by 'ada'/u, { signedInstead: new Uint8Array(3) }],
    ];
    for (const [reason, draft] of cases) {
      const problems = await problemsOf(draft);
      assert.match(problems.join('; '), reason, JSON.stringify(problems));
    }
  });

  it('do not stand for the anchor that they do not follow', async () => {
    const anchor = accepted
      .flatMap(({ others }) => others)
      .find(({ entry }) => decodeEntry(entry).kind === 'counter-anchor');
    assert(anchor !== undefined);
    const decoded = decodeEntry(anchor.entry);
    assert(decoded.kind === 'counter-anchor');
    const good = {
      size: anchor.index + 1n,
      previousAnchorIndex: anchor.index,
      previousAnchorLeafHash: leafHash(anchor.entry),
      nextAnchorSequence: decoded.anchorSequence + 1n,
      anchoredSize: decoded.size,
      logged: { counter: decoded.counterExpected, extend: null },
    };
    const references = [anchor];
    const index = anchor.index + 1n;
    assert.deepEqual(await problemsOf({ restoration: good, references, index }), []);
    const bad: Partial<Restoration>[] = [
      { previousAnchorLeafHash: new Uint8Array(32).fill(5) },
      { nextAnchorSequence: decoded.anchorSequence + 2n },
      { anchoredSize: decoded.size - 1n },
      { logged: { counter: decoded.counterExpected + 1n, extend: null } },
    ];
    for (const changes of bad) {
      const draft = { restoration: { ...good, ...changes }, references, index };
      assert.match((await problemsOf(draft)).join(), /does not follow entry/u);
    }
  });
});

interface Draft {
  readonly keys?: readonly OperatorKey[];
  readonly order?: Partial<OperatorOrder>;
  readonly restoration?: Partial<Restoration>;
  readonly signedInstead?: Uint8Array;
  readonly references?: readonly { readonly index: bigint; readonly entry: Uint8Array }[];
  readonly index?: bigint;
}

async function problemsOf(draft: Draft): Promise<string[]> {
  const { keys = [ada], references = [], index = restoreIndex } = draft;
  const payload = encodeRestoration({ ...restoration, ...draft.restoration });
  const encoded = encodeOperatorOrder({ ...order, payload, ...draft.order });
  const signed = draft.signedInstead ?? encoded;
  const entry = encodeEntry({
    kind: 'restore',
    previousLeafHash: new Uint8Array(32).fill(2),
    time: genesis.entry.time,
    appliance: 0,
    order: encoded,
    authorisations: keys.map((key) => encodeSshsig(key.sign(signed))),
  });
  assert.equal(encodeHex(encodeEntry(decodeEntry(entry))), encodeHex(entry));
  return new LogAudit(genesis.bytes).entry({ index, entry }, references);
}
