import assert from 'node:assert/strict';

import {
  decodeBundle,
  decodeEntry,
  decodeOperatorOrder,
  decodeRestoration,
  type OperatorOrder,
} from '@kudurru/proof';
import { before, describe, it } from 'mocha';

import { EvidenceAudit } from '../../../cli/fsck/evidence-audit.ts';
import { FindingList } from '../../../cli/fsck/finding.ts';
import { ofRestored } from '../../../proof/test/corpus/restores.ts';
import { playScenario } from '../../../proof/test/corpus/scenario.ts';
import { timedScenario } from '../../../proof/test/corpus/timed.ts';

interface Located {
  readonly index: bigint;
  readonly entry: Uint8Array;
}

describe('what the check of a folder audits', () => {
  /** Genesis and boot entry, an anchor, and the restore entry behind it. */
  let log: readonly Located[];

  before(async () => {
    const { others } = decodeBundle((await ofRestored()).bytes);
    const end = others.findIndex(({ entry }) => decodeEntry(entry).kind === 'restore') + 1;
    assert.ok(end > 0);
    log = others.slice(0, end);
  });

  it('is the tree that an order to restore is of', async () => {
    const right = orderedRoot();
    assert.deepEqual(await findings(right), []);
    assert.deepEqual(await findings(null), []);
    const other = right.with(0, (right[0] ?? 0) ^ 1);
    const [finding, ...more] = await findings(other);
    assert.deepEqual(more, []);
    assert.match(finding ?? '', /the order is of another tree than the one before it/u);
  });

  it('is that no order was carried out twice, of a time profile either', async () => {
    const nonce = new Uint8Array(32).fill(7);
    const told = await Promise.all([{}, { nonce }].map((order) => audited(profiles(order))));
    assert.deepEqual(told, [[], ['the order was carried out before']]);
  });

  /** Genesis, and two profiles of one ledger. */
  function profiles(order: Partial<OperatorOrder>): readonly Located[] {
    const { flaws, options } = timedScenario({
      order,
      afterwards: (ledger, stage) => stage.begin(ledger),
    });
    const { ledger } = playScenario(flaws, options);
    return ledger.entries
      .map((entry, index) => ({ index: BigInt(index), entry }))
      .filter(({ entry }) => ['genesis', 'time.profile'].includes(decodeEntry(entry).kind));
  }

  function orderedRoot(): Uint8Array {
    const entry = decodeEntry(log.at(-1)?.entry ?? new Uint8Array());
    if (entry.kind !== 'restore') throw new Error('the last entry is no restore entry');
    return decodeRestoration(decodeOperatorOrder(entry.order).payload).root;
  }

  /** Where the entries before the restore entry give `root`. */
  function findings(root: Uint8Array | null): Promise<string[]> {
    return audited(log, root);
  }

  async function audited(
    entries: readonly Located[],
    root: Uint8Array | null = null,
  ): Promise<string[]> {
    const list = new FindingList();
    const evidence = entries.map(({ index, entry }, i) => ({
      ...{ isEntry: true, number: 0, file: 'journal', offset: 0n, record: 0n },
      ...{ index, leafHash: new Uint8Array(32), treeSize: index + 1n, agentHeadsRoot: null },
      ...{ bytes: entry, root: i === entries.length - 1 ? root : null },
    }));
    await new EvidenceAudit(list).take(evidence);
    return list.list.map(({ message }) => message);
  }
});
