/**
 * The leaf of one agent below an anchor's agentHeadsRoot (SPEC.md §9): "this was its last action".
 */
import {
  compareBytes,
  decodeEntry,
  encodeAgentHead,
  encodeUtf8,
  equalBytes,
  type AgentHead,
  type Bundle,
} from '@kudurru/proof';

import { leafIndex, treeSize, type LeafIndex } from '../base/units.ts';
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
  const actions = await places.lastActions(treeSize(anchor.size));
  const heads = await Promise.all(actions.map((action) => readHead(action, ledger)));
  const sorted = heads.toSorted((a, b) =>
    compareBytes(encodeUtf8(a.agentId), encodeUtf8(b.agentId)),
  );
  const leaves = sorted.map(encodeAgentHead);
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

async function readHead(index: LeafIndex, ledger: LedgerReader): Promise<AgentHead> {
  const action = decodeEntry(await ledger.readEntry(index));
  if (action.kind !== 'action') throw contradiction(`no action at ${index}`, index);
  const session = decodeEntry(await ledger.readEntry(leafIndex(action.sessionIndex)));
  if (session.kind !== 'session.open') throw contradiction(`no session at ${action.sessionIndex}`);
  const agent = decodeEntry(await ledger.readEntry(leafIndex(session.agentIndex)));
  if (agent.kind !== 'agent.enrol') throw contradiction(`no agent at ${session.agentIndex}`);
  return {
    agentId: agent.agentId,
    sessionNumber: session.sessionNumber,
    lastSequence: action.sequence,
    lastIndex: index,
  };
}
