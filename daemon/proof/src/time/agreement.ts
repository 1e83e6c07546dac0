/**
 * What independent sources leave of the time when some of them may lie (SPEC.md §9.6): each group
 * of sources that draw on one thing has one voice. Two tell that one of them is wrong, three which.
 */
import { largest, smallest } from './integers.ts';

/** One source's interval, all of one moment. */
export interface Claim {
  readonly source: number;
  readonly group: string;
  readonly lowNs: bigint;
  readonly highNs: bigint;
}

export interface Agreement {
  readonly state: 'agreed' | 'disputed';
  /** Truth is here if at most `liars` of the groups that agree lie; disputed: if any holds. */
  readonly lowNs: bigint;
  readonly highNs: bigint;
  readonly groups: number;
  readonly liars: number;
  /** Sources that the others outvote. */
  readonly outvoted: readonly number[];
}

type Interval = Pick<Claim, 'lowNs' | 'highNs'>;

/** `claims` is not empty. */
export function agree(claims: readonly Claim[]): Agreement {
  const groups = [...new Set(claims.map(({ group }) => group))].map((group) => {
    const members = claims.filter((claim) => claim.group === group);
    return { group, members, ...hull(members) };
  });
  const most = largest(groups.map((each) => BigInt(votersFor(each.lowNs, groups).length)));
  const voters = groups
    .map((each) => votersFor(each.lowNs, groups))
    .filter((found) => BigInt(found.length) === most);
  const [agreeing = []] = voters;
  const isOneCamp = voters.every((found) => found.every((group) => agreeing.includes(group)));
  const isOwnWord = groups.every(({ members }) => votesFor(members) === members.length);
  const isMajority = agreeing.length === groups.length || agreeing.length * 2 > groups.length;
  const isEnough = agreeing.length === groups.length || agreeing.length >= 2;
  if (!isOwnWord || !isOneCamp || !isMajority || !isEnough) {
    const all = hull(claims);
    return { state: 'disputed', ...all, groups: groups.length, liars: 0, outvoted: [] };
  }
  const liars = Math.floor((agreeing.length - 1) / 2);
  return {
    state: 'agreed',
    ...covered(agreeing, agreeing.length - liars),
    groups: agreeing.length,
    liars,
    outvoted: groups
      .filter((group) => !agreeing.includes(group))
      .flatMap(({ members }) => members.map(({ source }) => source)),
  };
}

function votersFor<G extends Interval>(atNs: bigint, groups: readonly G[]): G[] {
  return groups.filter(({ lowNs, highNs }) => lowNs <= atNs && atNs <= highNs);
}

/** How many of a group's own sources have a point in common. */
function votesFor(members: readonly Claim[]): number {
  return Math.max(...members.map(({ lowNs }) => votersFor(lowNs, members).length));
}

/** From the first to the last point that at least `votes` of the intervals hold. */
function covered(intervals: readonly Interval[], votes: number): Interval {
  const lows = intervals
    .map(({ lowNs }) => lowNs)
    .filter((at) => votersFor(at, intervals).length >= votes);
  const highs = intervals
    .map(({ highNs }) => highNs)
    .filter((at) => votersFor(at, intervals).length >= votes);
  return { lowNs: smallest(lows), highNs: largest(highs) };
}

function hull(intervals: readonly Interval[]): Interval {
  return {
    lowNs: smallest(intervals.map(({ lowNs }) => lowNs)),
    highNs: largest(intervals.map(({ highNs }) => highNs)),
  };
}
