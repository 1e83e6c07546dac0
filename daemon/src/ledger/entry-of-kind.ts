/** An entry that is read back where the ledger says that one of a kind stands. */
import { decodeEntry, type EntryKind, type EntryOf } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { LeafIndex } from '../base/units.ts';

/** @throws KudurruError `ledger-failed` where it is of another kind */
export function entryOfKind<K extends EntryKind>(
  bytes: Uint8Array,
  kind: K,
  index: LeafIndex,
): EntryOf<K> {
  const entry = decodeEntry(bytes);
  if (entry.kind === kind) return entry as unknown as EntryOf<K>;
  throw new KudurruError(
    'ledger-failed',
    `entry ${index} is "${entry.kind}" where the ledger has "${kind}"`,
  );
}
