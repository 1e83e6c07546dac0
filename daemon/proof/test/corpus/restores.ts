/** Ledgers that operators ordered to go on from what the TPM showed (SPEC.md §9.1). */
import { decodeEntry, isAnchorEntry } from '../../src/entry.ts';
import { leafHash } from '../../src/merkle.ts';
import type { OperatorOrder } from '../../src/operator-order.ts';
import { encodeOperatorOrder } from '../../src/operator-order.ts';
import type { Restoration } from '../../src/restoration.ts';
import { encodeRestoration } from '../../src/restoration.ts';
import { encodeSshsig } from '../../src/sshsig.ts';
import { seed } from './keys.ts';
import { CorpusLedger } from './ledger.ts';
import type { OperatorKey } from './operators.ts';
import { operatorKey } from './operators.ts';
import { withRegisters } from './registers.ts';
import type { Exhibit } from './scenario.ts';
import { exhibit, observationEnvelope } from './scenario.ts';
import { ANCHOR_PCR } from './software-tpm.ts';

const ada = operatorKey('ada', 'ssh-ed25519');

export interface RestoreDraft {
  readonly key?: OperatorKey;
  readonly order?: Partial<OperatorOrder>;
  readonly restoration?: (restoration: Restoration) => Partial<Restoration>;
  /** How often the TPM counted between what was found and the next anchor, besides for it. */
  readonly counted?: bigint;
}

/** An action that is anchored behind a restore entry: the TPM had moved meanwhile. */
export function ofRestored(draft: RestoreDraft = {}): Promise<Exhibit> {
  const operators = [{ name: 'ada', sshPublicKey: ada.line }];
  const ledger = new CorpusLedger('alpha', withRegisters({ operators }));
  const session = ledger.openSession(ledger.enrol('clerk'));
  const anchor = ledger.anchor('counter-anchor');
  const [index = 0n] = ledger.submit(session, [observationEnvelope()]);
  ledger.tpm.counter += 3n;
  ledger.tpm.extendBy(seed('lost'), ledger.tpm.counter);
  restore(ledger, anchor, draft);
  ledger.boot();
  ledger.tpm.counter += draft.counted ?? 0n;
  ledger.anchor('counter-anchor');
  ledger.alarm();
  return exhibit({ ledger }, index);
}

function restore(ledger: CorpusLedger, anchor: bigint, draft: RestoreDraft): void {
  const before = decodeEntry(ledger.entries[Number(anchor)] as Uint8Array);
  if (!isAnchorEntry(before)) throw new Error('no anchor to restore from');
  const { tpm, ledgerId } = ledger;
  const { taiNs } = decodeEntry(ledger.entries.at(-1) as Uint8Array).time;
  const found: Restoration = {
    version: 1,
    size: ledger.size,
    root: ledger.head().root,
    previousAnchorIndex: anchor,
    previousAnchorLeafHash: leafHash(ledger.entries[Number(anchor)] as Uint8Array),
    nextAnchorSequence: before.anchorSequence + 1n,
    anchoredSize: before.size,
    logged: { counter: before.counterExpected, extend: seed('logged') },
    found: {
      ...{ counter: tpm.counter, extend: tpm.extendValue, pcr: tpm.pcrValue(ANCHOR_PCR) },
      ...{ resetCount: tpm.resetCount, restartCount: 0, clockMs: tpm.clockMs },
    },
  };
  const order = encodeOperatorOrder({
    kind: 'restore',
    ledgerId,
    nonce: seed('nonce of the order'),
    expiryTaiNs: taiNs + 3_600_000_000_000n,
    payload: encodeRestoration({ ...found, ...draft.restoration?.(found) }),
    ...draft.order,
  });
  const signature = encodeSshsig((draft.key ?? ada).sign(order));
  const index = ledger.append({ kind: 'restore', order, authorisations: [signature] });
  ledger.follow(index, before.anchorSequence);
}
