/**
 * Restore entries (SPEC.md §9.1): the one place where the chain of anchors may leave what the TPM
 * led to, because operators of the ledger have signed for it.
 */
import { equalBytes } from '../bytes.ts';
import { rootBefore } from '../merkle.ts';
import { verifyAuthorisations } from '../operator-order.ts';
import { requireOrdered } from './check-order.ts';
import type { Anchor, Evidence, Restore } from './evidence.ts';
import { mustHold } from './finding.ts';
import { quote } from './quote.ts';

/** Every restore entry here was ordered by operators of this ledger. */
export function checkRestores(evidence: Evidence): string {
  const told = evidence.restores.map((restore) => {
    requireAuthorised(evidence, restore);
    requireTree(evidence, restore);
    requirePlace(evidence, restore);
    return tellRestore(evidence, restore);
  });
  return told.join('; ');
}

/** In words, for a verdict: who ordered what, and what for. */
export function tellRestore(evidence: Evidence, restore: Restore): string {
  const { item, restoration } = restore;
  const { logged, found } = restoration;
  const names = operatorsOf(evidence, restore).map(quote).join(' and ');
  return (
    `before entry ${item.index} the TPM was not as the log had left it (counter ` +
    `${found.counter} instead of ${logged.counter}); ${names} ordered to go on from there: ` +
    'what came between is not in this log'
  );
}

/** The anchor that follows goes on from what the restore entry found. */
export function requireRestored({ item, restoration }: Restore, after: Anchor): void {
  const { entry, index } = after.item;
  const { found, nextAnchorSequence, anchoredSize } = restoration;
  mustHold(
    item.index < index &&
      equalBytes(entry.previousAnchorLeafHash, item.leafHash) &&
      entry.anchorSequence === nextAnchorSequence &&
      entry.size >= anchoredSize,
    `anchor ${index} does not follow restore entry ${item.index}`,
  );
  mustHold(
    entry.kind === 'counter-anchor' && entry.counterExpected === found.counter + 1n,
    `anchor ${index} does not count on from restore entry ${item.index}`,
  );
}

/**
 * The tree that the order is of is what stands before the entry, where the entry's place in a tree
 * is shown. Who reads the whole log has the tree, and no paths.
 */
function requireTree({ proof }: Evidence, { item, restoration }: Restore): void {
  const { size } = proof.checkpoint;
  if (item.index >= size) return; // `order.inclusion` says it of a bundle
  const root = rootBefore({ index: item.index, size }, item.path);
  mustHold(
    equalBytes(restoration.root, root),
    `the order in restore entry ${item.index} is of another tree than the one before the entry`,
  );
}

/** As far as what it names as the one before it is here. */
function requirePlace({ anchors, restores }: Evidence, restore: Restore): void {
  const { previousAnchorIndex } = restore.restoration;
  const candidates = [...anchors, ...restores];
  const before = candidates.find(({ item }) => item.index === previousAnchorIndex);
  if (before !== undefined) requireRestoreOf(before, restore);
}

/** What the restore entry says of the anchor, or restore entry, before it. */
function requireRestoreOf(before: Anchor | Restore, { item, restoration }: Restore): void {
  const { previousAnchorLeafHash, nextAnchorSequence, anchoredSize, logged } = restoration;
  const led =
    'restoration' in before
      ? {
          sequence: before.restoration.nextAnchorSequence,
          size: before.restoration.anchoredSize,
          counter: before.restoration.found.counter,
        }
      : {
          sequence: before.item.entry.anchorSequence + 1n,
          size: before.item.entry.size,
          counter: before.item.entry.counterExpected,
        };
  mustHold(
    before.item.index < item.index &&
      equalBytes(previousAnchorLeafHash, before.item.leafHash) &&
      nextAnchorSequence === led.sequence &&
      anchoredSize === led.size &&
      logged.counter === led.counter,
    `restore entry ${item.index} does not follow entry ${before.item.index}`,
  );
}

function requireAuthorised(evidence: Evidence, restore: Restore): void {
  const { item, restoration } = restore;
  const place = `restore entry ${item.index}`;
  requireOrdered(evidence, restore, { kind: 'restore', place });
  mustHold(restoration.size === item.index, `the order in ${place} is of another tree`);
}

function operatorsOf(evidence: Evidence, { item }: Restore): readonly string[] {
  const { operators } = evidence.genesis.provisioning;
  return verifyAuthorisations(item.entry, operators).authorisations.map(({ operator }) => operator);
}
