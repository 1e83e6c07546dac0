/**
 * Where the statement of an action stands (SPEC.md §7.1). Read from the ledger alone: the actions
 * of a statement follow it at once, so within it, and nowhere before it, an entry that is so many
 * places earlier is the action that is so many earlier in the session.
 */
import { decodeEntry, type EntryOf } from '@kudurru/proof';

import { leafIndex, type LeafIndex } from '../base/units.ts';
import type { LedgerReader } from './ledger-reader.ts';

/** A dozen entries are read for a statement of a thousand actions, one for a statement of one. */
export async function statementOf(
  index: LeafIndex,
  action: EntryOf<'action'>,
  ledger: LedgerReader,
): Promise<LeafIndex> {
  const isWithin = async (place: bigint): Promise<boolean> => {
    const entry = decodeEntry(await ledger.readEntry(leafIndex(place)));
    return (
      entry.kind === 'action' &&
      entry.sessionIndex === action.sessionIndex &&
      action.sequence - entry.sequence === index - place
    );
  };
  // `within` is in the statement, `before` is not: the genesis entry is in none.
  let within: bigint = index;
  let before = index - 1n;
  while (before > 0n && (await isWithin(before))) {
    within = before;
    before -= 2n * (index - before);
    if (before < 0n) before = 0n;
  }
  while (within - before > 1n) {
    const middle = (within + before) / 2n;
    if (await isWithin(middle)) within = middle;
    else before = middle;
  }
  return leafIndex(before);
}
