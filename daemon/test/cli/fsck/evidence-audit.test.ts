import assert from 'node:assert/strict';

import { decodeBundle, decodeEntry, decodeOperatorOrder, decodeRestoration } from '@kudurru/proof';
import { before, describe, it } from 'mocha';

import { EvidenceAudit } from '../../../cli/fsck/evidence-audit.ts';
import { FindingList } from '../../../cli/fsck/finding.ts';
import { ofRestored } from '../../../proof/test/corpus/restores.ts';

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

  function orderedRoot(): Uint8Array {
    const entry = decodeEntry(log.at(-1)?.entry ?? new Uint8Array());
    if (entry.kind !== 'restore') throw new Error('the last entry is no restore entry');
    return decodeRestoration(decodeOperatorOrder(entry.order).payload).root;
  }

  /** Where the entries before the restore entry give `root`. */
  async function findings(root: Uint8Array | null): Promise<string[]> {
    const list = new FindingList();
    const evidence = log.map(({ index, entry }, i) => ({
      ...{ isEntry: true, number: 0, file: 'journal', offset: 0n, record: 0n },
      ...{ index, leafHash: new Uint8Array(32), treeSize: index + 1n, agentHeadsRoot: null },
      ...{ bytes: entry, root: i === log.length - 1 ? root : null },
    }));
    await new EvidenceAudit(list).take(evidence);
    return list.list.map(({ message }) => message);
  }
});
