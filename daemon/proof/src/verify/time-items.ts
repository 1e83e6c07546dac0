/** Time profiles and time evidence version 2 in a bundle, decoded; nothing is checked here. */
import type { AnchorEntry, EntryOf } from '../entry.ts';
import type { OperatorOrder } from '../operator-order.ts';
import { decodeOperatorOrder } from '../operator-order.ts';
import type { SourcedTimeEvidence } from '../time/sourced-evidence.ts';
import type { TimeProfile } from '../time/time-profile.ts';
import { decodeTimeProfile } from '../time/time-profile.ts';
import type { AnyTimeEvidence } from '../time-evidence.ts';
import type { Item } from './evidence.ts';

/** A time profile, with the order that it stands in. */
export interface OrderedProfile {
  readonly item: Item<EntryOf<'time.profile'>>;
  readonly order: OperatorOrder;
  readonly profile: TimeProfile;
}

/** Time evidence version 2, in an entry of its own or in an anchor. */
export interface StandingEvidence {
  readonly item: Item<EntryOf<'time-evidence'> | AnchorEntry>;
  readonly evidence: SourcedTimeEvidence;
}

export function decodeProfile(item: Item<EntryOf<'time.profile'>>): OrderedProfile {
  const order = decodeOperatorOrder(item.entry.order);
  return { item, order, profile: decodeTimeProfile(order.payload) };
}

/** Empty for version 1, which is of no named sources. */
export function standingEvidence({
  item,
  timeEvidence,
}: {
  readonly item: StandingEvidence['item'];
  readonly timeEvidence: AnyTimeEvidence;
}): StandingEvidence[] {
  return timeEvidence.version === 2 ? [{ item, evidence: timeEvidence }] : [];
}
