/**
 * What an anchor binds, decided and made durable before the TPM is touched. A crash at any point
 * after that is finished from this record: with the same tree, the same place in the chain of
 * anchors and the same counter value, never with newer ones, because the TPM may already have
 * signed or counted for these.
 */
import { decodeCbor, encodeCbor, isCborArray, type CborValue } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { leafIndex, treeSize, type LeafIndex, type TreeSize } from '../base/units.ts';

export type AnchorKind = 'anchor' | 'counter-anchor';

/** Fields of SPEC.md §9. */
export interface AnchorPlan {
  readonly kind: AnchorKind;
  /** Counts the anchors of this ledger from 0. */
  readonly anchorSequence: bigint;
  /** Null for the first. */
  readonly previousAnchorIndex: LeafIndex | null;
  /** 32 zero bytes for the first. */
  readonly previousAnchorLeafHash: Uint8Array;
  readonly size: TreeSize;
  readonly root: Uint8Array;
  readonly agentHeadsRoot: Uint8Array;
  /** What the TPM counter shows when the anchor is made. */
  readonly counterExpected: bigint;
}

const version = 1;
const hashSizeBytes = 32;
/** With the version before them. */
export const planItemsCount = 9;

/** The first prepare record of `plan`. */
export function encodePlan(plan: AnchorPlan): Uint8Array {
  return encodeCbor([version, ...planItems(plan)]);
}

/** @throws KudurruError `ledger-failed`: the journal guards it, so nothing else can be read here */
export function decodePlan(bytes: Uint8Array): AnchorPlan {
  const items = decodeCbor(bytes);
  if (!isCborArray(items) || items.length !== planItemsCount || items[0] !== version) {
    throw unreadable();
  }
  return planOfItems(items.slice(1));
}

/** What both prepare records hold of the plan, behind their version. */
export function planItems(plan: AnchorPlan): CborValue[] {
  return [
    plan.kind === 'counter-anchor',
    plan.anchorSequence,
    plan.previousAnchorIndex,
    plan.previousAnchorLeafHash,
    plan.size,
    plan.root,
    plan.agentHeadsRoot,
    plan.counterExpected,
  ];
}

/** @throws KudurruError `ledger-failed` */
export function planOfItems(items: readonly CborValue[]): AnchorPlan {
  const [counts, sequence, previous, previousHash, size, root, headsRoot, counter] = items;
  if (typeof counts !== 'boolean') throw unreadable();
  return {
    kind: counts ? 'counter-anchor' : 'anchor',
    anchorSequence: integer(sequence),
    previousAnchorIndex: previous === null ? null : leafIndex(integer(previous)),
    previousAnchorLeafHash: hash(previousHash),
    size: treeSize(integer(size)),
    root: hash(root),
    agentHeadsRoot: hash(headsRoot),
    counterExpected: integer(counter),
  };
}

function integer(value: CborValue | undefined): bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw unreadable();
  return BigInt(value);
}

function hash(value: CborValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== hashSizeBytes) throw unreadable();
  return value.slice();
}

function unreadable(): KudurruError {
  return new KudurruError('ledger-failed', 'prepare record not understood: it is not version 1');
}
