/** What every entry that carries out an order of operators must show (SPEC.md §2.3). */
import { equalBytes } from '../bytes.ts';
import type { EntryOf } from '../entry.ts';
import type { Authorisation, OperatorOrder } from '../operator-order.ts';
import { verifyAuthorisations } from '../operator-order.ts';
import type { Evidence, Item } from './evidence.ts';
import { mustHold } from './finding.ts';
import { quote } from './quote.ts';

export interface CarriedOut {
  readonly item: Item<EntryOf<'restore' | 'time.profile'>>;
  readonly order: OperatorOrder;
}

/** The order is of this kind, to this ledger, in time, and operators signed it; gives who did. */
export function requireOrdered(
  { genesis }: Evidence,
  { item, order }: CarriedOut,
  { kind, place }: { readonly kind: OperatorOrder['kind']; readonly place: string },
): readonly Authorisation[] {
  mustHold(order.kind === kind, `the order in ${place} is for ${quote(order.kind)}`);
  mustHold(
    equalBytes(order.ledgerId, genesis.ledgerId),
    `the order in ${place} is to another ledger`,
  );
  mustHold(
    item.entry.time.taiNs <= order.expiryTaiNs,
    `the order in ${place} had expired when it was carried out`,
  );
  const { operators } = genesis.provisioning;
  const { authorisations, problems } = verifyAuthorisations(item.entry, operators);
  mustHold(problems.length === 0, `${place}: ${problems.join('; ')}`);
  return authorisations;
}
