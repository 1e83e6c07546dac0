/** One private body that the ledger holds, opened for the operator (SPEC.md §3). */
import {
  commitmentFieldNumber,
  concatBytes,
  decodeEntry,
  decodeEnvelope,
  type Commitment,
  type Entry,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { leafIndex } from '../base/units.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** Its salt (32 bytes) and its bytes. @throws KudurruError `not-found`, `not-held`: they say why */
export async function heldBody(
  ledger: Ledger,
  { index, field }: { readonly index: number; readonly field: string },
): Promise<Uint8Array> {
  const what = `body "${field}" of entry ${index} not found`;
  const { size } = ledger.head();
  if (BigInt(index) >= size) {
    throw new KudurruError('not-found', `${what}: the ledger has ${size} entries`);
  }
  const at = leafIndex(BigInt(index));
  const commitment = commitmentsOf(decodeEntry(await ledger.readEntry(at))).find(
    (one) => one.field === field,
  );
  if (commitment === undefined) {
    throw new KudurruError('not-found', `${what}: the entry commits to no such field`);
  }
  if (!commitment.deposited) {
    throw new KudurruError('not-found', `${what}: its submitter kept it`);
  }
  const body = await ledger.openBody(at, commitmentFieldNumber(commitment.field));
  if (body === null) throw new KudurruError('not-found', `${what}: the key of its scope is gone`);
  return concatBytes(body.salt, body.bytes);
}

function commitmentsOf(entry: Entry): readonly Commitment[] {
  if (entry.kind === 'action') return decodeEnvelope(entry.envelope).commitments;
  return 'commitments' in entry ? entry.commitments : [];
}
