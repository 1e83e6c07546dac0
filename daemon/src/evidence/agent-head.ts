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

/**
 * Null where the agent had no action yet.
 * @throws KudurruError `index-contradicts`, `not-ready`
 */
export async function agentHeadOf(
  agentId: string,
  anchor: AnchoredHeads,
  { ledger, places }: { readonly ledger: LedgerReader; readonly places: SearchIndex },
): Promise<Bundle['agentHead']> {
  const size = treeSize(anchor.size);
  // The anchored root tells whether these are all, even where the index still lacks entries.
  let heads = await HeadsTree.read(await places.lastActions(size), ledger);
  if (!heads.isOf(anchor)) heads = await HeadsTree.read(await places.allLastActions(size), ledger);
  if (!heads.isOf(anchor)) {
    throw contradiction(`agents' heads at ${anchor.size} give another root`);
  }
  return heads.leafOf(agentId);
}

class HeadsTree {
  readonly #heads: readonly AgentHead[];
  readonly #leaves: readonly Uint8Array[];
  readonly #tree: SmallTree;

  private constructor(heads: readonly AgentHead[]) {
    this.#heads = heads;
    this.#leaves = heads.map(encodeAgentHead);
    this.#tree = new SmallTree(this.#leaves);
  }

  static async read(actions: readonly LeafIndex[], ledger: LedgerReader): Promise<HeadsTree> {
    const heads = await Promise.all(actions.map((action) => readHead(action, ledger)));
    return new HeadsTree(
      heads.toSorted((a, b) => compareBytes(encodeUtf8(a.agentId), encodeUtf8(b.agentId))),
    );
  }

  isOf({ agentHeadsRoot }: AnchoredHeads): boolean {
    return equalBytes(this.#tree.root(), agentHeadsRoot);
  }

  leafOf(agentId: string): Bundle['agentHead'] {
    const place = this.#heads.findIndex((head) => head.agentId === agentId);
    const leaf = this.#leaves[place];
    if (leaf === undefined) return null;
    const path = this.#tree.path(BigInt(place));
    return { leaf, leafIndex: BigInt(place), leafCount: this.#tree.size, path };
  }
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
