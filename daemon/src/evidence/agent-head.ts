/**
 * The leaf of one agent below an anchor's agentHeadsRoot (SPEC.md §9): "this was its last action".
 */
import {
  compareBytes,
  decodeEntry,
  encodeAgentHead,
  encodeUtf8,
  equalBytes,
  type Bundle,
} from '@kudurru/proof';

import { treeSize } from '../base/units.ts';
import { contradiction } from './contradiction.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { SearchIndex } from './search-index.ts';
import { SmallTree } from './small-tree.ts';

export interface AnchoredHeads {
  readonly size: bigint;
  readonly agentHeadsRoot: Uint8Array;
}

/** Null where the agent had no action yet. @throws KudurruError `index-contradicts` */
export async function agentHeadOf(
  agentId: string,
  anchor: AnchoredHeads,
  { ledger, places }: { readonly ledger: LedgerReader; readonly places: SearchIndex },
): Promise<Bundle['agentHead']> {
  const heads = places.lastActions(treeSize(anchor.size));
  const sorted = heads.toSorted((a, b) =>
    compareBytes(encodeUtf8(a.agentId), encodeUtf8(b.agentId)),
  );
  const leaves = await Promise.all(
    sorted.map(async (head) => {
      const action = decodeEntry(await ledger.readEntry(head.action));
      if (action.kind !== 'action') throw contradiction(`no action at ${head.action}`);
      return encodeAgentHead({
        agentId: head.agentId,
        sessionNumber: head.sessionNumber,
        lastSequence: action.sequence,
        lastIndex: head.action,
      });
    }),
  );
  const tree = new SmallTree(leaves);
  if (!equalBytes(tree.root(), anchor.agentHeadsRoot)) {
    throw contradiction(`agents' heads at ${anchor.size} give another root`);
  }
  const place = sorted.findIndex((head) => head.agentId === agentId);
  const leaf = leaves[place];
  if (leaf === undefined) return null;
  const path = tree.path(BigInt(place));
  return { leaf, leafIndex: BigInt(place), leafCount: tree.size, path };
}
