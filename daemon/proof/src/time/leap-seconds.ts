/**
 * Leap seconds in time evidence (SPEC.md §9.5): by our own list, an excerpt of which stands in the
 * evidence. What a source announces is compared with it and never applied.
 */
import type { LeapSeconds } from '../tai.ts';
import { PPB } from './segment.ts';

/** Steps of the list that evidence tells: enough on both sides of the next, or of the last. */
const STEPS_TOLD = 2;
/** How long before or after a step a source may still, or already, tell the other TAI−UTC. */
const GRACE_NS = 60n * PPB;
/** A leap second is announced in the flags of the day that it ends. */
const DAY_NS = 86_400n * PPB;
/** A list comes out less than a year before it ends. */
const LIST_SECONDS_MAX = 366 * 86_400;

/** A clock's reading of UTC, when CLOCK_MONOTONIC_RAW showed `rawNs`. */
export interface UtcReading {
  readonly rawNs: bigint;
  readonly clockNs: bigint;
}

/** What evidence tells of the list. */
export function leapExcerpt({ expiresUnixSeconds, steps }: LeapSeconds): LeapSeconds {
  return { expiresUnixSeconds, steps: steps.slice(-STEPS_TOLD) };
}

/** An instant that was over when the list was made. */
export function listBeginNs({ expiresUnixSeconds }: LeapSeconds): bigint {
  return BigInt(expiresUnixSeconds - LIST_SECONDS_MAX) * PPB;
}

/** TAI−UTC in seconds; before the first step that of the first. */
export function offsetAt(taiNs: bigint, { steps }: LeapSeconds): number {
  const step = steps.findLast(
    ({ fromUnixSeconds, taiMinusUtcSeconds }) =>
      BigInt(fromUnixSeconds + taiMinusUtcSeconds) * PPB <= taiNs,
  );
  return (step ?? steps[0])?.taiMinusUtcSeconds ?? 0;
}

/** Whether `offsetSeconds` is TAI−UTC about `taiNs`, or was so just before, or is to be. */
export function isOffsetAbout(taiNs: bigint, offsetSeconds: number, leap: LeapSeconds): boolean {
  return [taiNs - GRACE_NS, taiNs, taiNs + GRACE_NS].some(
    (at) => offsetAt(at, leap) === offsetSeconds,
  );
}

/**
 * Whether the list has a step of `change` seconds after `fromNs` and not after `toNs`, or ends
 * before that and so cannot tell.
 */
export function isListed(
  change: number,
  { fromNs, toNs }: { readonly fromNs: bigint; readonly toNs: bigint },
  leap: LeapSeconds,
): boolean {
  const endNs = BigInt(leap.expiresUnixSeconds + offsetAt(toNs, leap)) * PPB;
  return toNs > endNs || offsetAt(toNs, leap) - offsetAt(fromNs, leap) === change;
}

/** The same for the flags that announce a step at the end of the day. */
export function isListedToday(change: number, taiNs: bigint, leap: LeapSeconds): boolean {
  return isListed(change, { fromNs: taiNs - GRACE_NS, toNs: taiNs + DAY_NS + GRACE_NS }, leap);
}

/**
 * The TAI that CLOCK_REALTIME may mean by `clockNs`: two instants in a second that it repeats, as
 * Linux does the last one before the step.
 */
export function instantsOf(clockNs: bigint, leap: LeapSeconds): readonly [bigint, ...bigint[]] {
  const at = leap.steps.findLastIndex(
    ({ fromUnixSeconds }) => BigInt(fromUnixSeconds) * PPB <= clockNs,
  );
  const told = leap.steps[at] ?? leap.steps[0];
  const next = leap.steps[at + 1];
  const taiNs = clockNs + BigInt(told?.taiMinusUtcSeconds ?? 0) * PPB;
  if (told === undefined || next === undefined) return [taiNs];
  const repeated = BigInt(next.taiMinusUtcSeconds - told.taiMinusUtcSeconds) * PPB;
  const isRepeated = clockNs + repeated >= BigInt(next.fromUnixSeconds) * PPB;
  return isRepeated ? [taiNs, taiNs + repeated] : [taiNs];
}

/** Of the instants that `clockNs` may mean the one next to `aboutNs`. */
export function instantNextTo(aboutNs: bigint, clockNs: bigint, leap: LeapSeconds): bigint {
  const [first, second = first] = instantsOf(clockNs, leap);
  return aboutNs - first <= second - aboutNs ? first : second;
}

/** TAI of each reading; in a repeated second by how far CLOCK_MONOTONIC_RAW is from another. */
export function taiOfReadings(readings: readonly UtcReading[], leap: LeapSeconds): bigint[] {
  const plain = readings.find(({ clockNs }) => instantsOf(clockNs, leap).length === 1);
  return readings.map(({ rawNs, clockNs }) => {
    const [first] = instantsOf(clockNs, leap);
    if (plain === undefined) return first;
    const [from] = instantsOf(plain.clockNs, leap);
    return instantNextTo(from + rawNs - plain.rawNs, clockNs, leap);
  });
}
