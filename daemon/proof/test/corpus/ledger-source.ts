/** A log in memory as the builder of bundles reads it; all is found by looking at every entry. */
import { decodeAgentHead } from '../../src/anchor.ts';
import type { Bundle } from '../../src/bundle.ts';
import { equalBytes } from '../../src/bytes.ts';
import type { Entry } from '../../src/entry.ts';
import { decodeEntry, isAnchorEntry } from '../../src/entry.ts';
import { decodeEnvelope } from '../../src/envelope.ts';
import type { Reference } from '../../src/identifier.ts';
import { leafHash } from '../../src/merkle.ts';
import type { HashReader } from '../../src/merkle-proof.ts';
import { consistencyProof, inclusionProof } from '../../src/merkle-proof.ts';
import { MerkleTree } from '../../src/merkle-tree.ts';
import type { BundleSource } from './build-bundle.ts';

export interface LogInMemory {
  readonly checkpoint: Uint8Array;
  readonly entries: readonly Uint8Array[];
  readonly getHash: HashReader;
  /** Leaves under agentHeadsRoot, by the size of the anchor. */
  readonly agentHeads: ReadonlyMap<bigint, readonly Uint8Array[]>;
}

export function sourceOf({ checkpoint, entries, getHash, agentHeads }: LogInMemory): BundleSource {
  const decoded = entries.map(decodeEntry);
  const size = BigInt(entries.length);
  const entryAt = (index: bigint): Uint8Array => entries[Number(index)] as Uint8Array;
  const find = (matches: (entry: Entry, index: bigint) => boolean): bigint[] =>
    decoded.flatMap((entry, i) => (matches(entry, BigInt(i)) ? [BigInt(i)] : []));
  const isAction = (entry: Entry, { session, sequence }: Reference): boolean =>
    entry.kind === 'action' &&
    entry.sequence === sequence &&
    equalBytes(leafHash(entryAt(entry.sessionIndex)), session);
  const agentOf = (at: bigint): bigint | null => {
    const action = decoded[Number(at)];
    const session = action?.kind === 'action' ? decoded[Number(action.sessionIndex)] : undefined;
    return session?.kind === 'session.open' ? session.agentIndex : null;
  };
  return {
    checkpoint,
    entry: entryAt,
    inclusionProof: (index) => inclusionProof(index, size, getHash),
    consistencyProof: (oldSize) => consistencyProof(oldSize, size, getHash),
    coveringAnchor: (index) =>
      find((entry, at) => isAnchorEntry(entry) && entry.size > index && at !== index)[0] ?? null,
    anchorBefore: (index) => find((entry, at) => isAnchorEntry(entry) && at < index).at(-1) ?? null,
    actionAt: (reference) => find((entry) => isAction(entry, reference))[0] ?? null,
    outcomesOf(reference) {
      const [intent = size] = find((entry) => isAction(entry, reference));
      const agent = agentOf(intent);
      return find((entry, at) => at > intent && isOutcomeOf(entry, reference)).filter(
        (at) => agentOf(at) === agent,
      );
    },
    agentHead(anchorIndex, agentId) {
      const anchor = decodeEntry(entryAt(anchorIndex));
      return isAnchorEntry(anchor) ? headOf(agentHeads.get(anchor.size) ?? [], agentId) : null;
    },
  };
}

function isOutcomeOf(entry: Entry, { session, sequence }: Reference): boolean {
  if (entry.kind !== 'action') return false;
  const { intent } = decodeEnvelope(entry.envelope);
  return intent?.sequence === sequence && equalBytes(intent.session, session);
}

function headOf(leaves: readonly Uint8Array[], agentId: string): Bundle['agentHead'] {
  const at = leaves.findIndex((leaf) => decodeAgentHead(leaf).agentId === agentId);
  const leaf = leaves[at];
  if (leaf === undefined) return null;
  const nodes = new Map<string, Uint8Array>();
  const tree = new MerkleTree((level, index, hash) => nodes.set(`${level}/${index}`, hash));
  for (const each of leaves) tree.append(each);
  const leafIndex = BigInt(at);
  const path = inclusionProof(leafIndex, tree.size, (l, i) => nodes.get(`${l}/${i}`) as Uint8Array);
  return { leaf, leafIndex, leafCount: tree.size, path };
}
