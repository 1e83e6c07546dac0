/** Time profiles and time evidence version 2 in a bundle; nothing is checked here. */
import { followedTimeEvidenceOf } from '../bundle-needs.ts';
import { equalBytes } from '../bytes.ts';
import type { AnchorEntry, EntryOf } from '../entry.ts';
import type { OperatorOrder } from '../operator-order.ts';
import { decodeOperatorOrder } from '../operator-order.ts';
import type { SourcedTimeEvidence } from '../time/sourced-evidence.ts';
import type { TimeProfile } from '../time/time-profile.ts';
import { decodeTimeProfile } from '../time/time-profile.ts';
import type { AnyTimeEvidence } from '../time-evidence.ts';
import type { Evidence, Item } from './evidence.ts';

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

/**
 * What times here rest on: evidence that entries name, the subject's own, and their bases. An
 * anchor's own time may name evidence that is here for another reason: it needs no raw part.
 */
export function usedEvidence(evidence: Evidence): readonly StandingEvidence[] {
  const named = evidence.items.flatMap((item) => {
    const index = followedTimeEvidenceOf(item.entry, item === evidence.subject);
    return evidence.timeEvidenceAt(index) ?? [];
  });
  const own = evidence.timeEvidenceAt(evidence.subject.index);
  const direct = own === undefined ? named : [...named, own];
  const bases = direct.flatMap((standing) => {
    const base = evidence.timeEvidenceAt(standing.evidence.baseEvidenceIndex);
    return base === undefined ? [] : [base];
  });
  return [...new Set([...direct, ...bases])];
}

/** Whether two entries were made in one boot of the kernel. */
export function areOfOneBoot(evidence: Evidence, ...items: readonly [Item, Item]): boolean {
  const [one, other] = items.map(({ entry }) => {
    const boot = evidence.boots.find(({ item }) => item.index === entry.time.bootIndex);
    return boot?.item.entry.kernelBootId;
  });
  return one !== undefined && other !== undefined && equalBytes(one, other);
}

/** The disclosed raw part; whether it is what the entry committed to is another check's. */
export function rawOf({ bundle }: Evidence, { item }: StandingEvidence): Uint8Array | undefined {
  return bundle.disclosures.find(
    ({ index, field }) => index === item.index && field === 'rawTimeEvidence',
  )?.bytes;
}
