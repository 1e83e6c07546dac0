/**
 * The leaf of one agent below an anchor's agentHeadsRoot (SPEC.md §9): "this was its last action".
 */
import {
  compareBytes,
  decodeEntry,
  encodeAgentHead,
  encodeUtf8,
  equalBytes,
  inclusionProof,
  MerkleTree,
  type Bundle,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { treeSize } from '../base/units.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { SearchIndex } from './search-index.ts';

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
      return encodeAgentHead({
        agentId: head.agentId,
        sessionNumber: head.sessionNumber,
        lastSequence: action.kind === 'action' ? action.sequence : -1n,
        lastIndex: head.action,
      });
    }),
  );
  const nodes = new Map<string, Uint8Array>();
  const tree = new MerkleTree((level, index, hash) => nodes.set(`${level}/${index}`, hash));
  for (const leaf of leaves) tree.append(leaf);
  if (!equalBytes(tree.root(), anchor.agentHeadsRoot)) {
    throw new KudurruError(
      'index-contradicts',
      `search index contradicts the ledger: agents' heads at ${anchor.size} give another root`,
    );
  }
  const place = sorted.findIndex((head) => head.agentId === agentId);
  const leaf = leaves[place];
  if (leaf === undefined) return null;
  const path = inclusionProof(BigInt(place), tree.size, (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined) throw new Error(`agents' tree has no node ${level}/${index}`);
    return hash;
  });
  return { leaf, leafIndex: BigInt(place), leafCount: tree.size, path };
}
