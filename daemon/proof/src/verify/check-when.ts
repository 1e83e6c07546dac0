/** When: the order of the clock readings, and the anchors' times on both sides of the subject. */
import { formatTai } from '../tai.ts';
import { taiRangeOf } from '../time-evidence.ts';
import type { Evidence } from './evidence.ts';
import { mustHold, skipped } from './finding.ts';

const BETWEEN = 'between the readings of the last anchor before it and of its own';

/** Each entry was made in the run of the daemon that it names. */
export function checkBoots({ items }: Evidence): string {
  let last = 0n;
  for (const { index, entry } of items) {
    const { bootIndex } = entry.time;
    mustHold(
      entry.kind !== 'boot' || bootIndex === index,
      `boot entry ${index} names another run than its own`,
    );
    // One appliance made them all, or `who.appliances` says otherwise.
    mustHold(bootIndex >= last, `entry ${index} names a run that was over by then`);
    last = bootIndex;
  }
  const runs = new Set(items.map(({ entry }) => entry.time.bootIndex));
  return runs.size === 1 ? 'one run of the daemon' : `${runs.size} runs of the daemon`;
}

/** An appliance's time never goes back. */
export function checkMonotonic({ items }: Evidence): string {
  const last = new Map<number, { index: bigint; taiNs: bigint }>();
  for (const { index, entry } of items) {
    const { taiNs } = entry.time;
    const before = last.get(entry.appliance);
    mustHold(
      before === undefined || taiNs >= before.taiNs,
      `entry ${index} is timed before entry ${before?.index}`,
    );
    last.set(entry.appliance, { index, taiNs });
  }
  return 'time does not go back from entry to entry';
}

/**
 * Each claimed interval lies between the anchors' own clock readings (SPEC.md §9): not before that
 * of the last anchor here that stands before the entry, nor after that of the first that covers it.
 */
export function checkInterval(evidence: Evidence): string {
  const { items, anchors, subject, anchorBefore, coveringAnchor } = evidence;
  let count = 0;
  for (const { index, entry } of items) {
    const { taiNs, adversarialNs } = entry.time;
    if (adversarialNs === null) continue;
    const covering = anchors.find(({ item }) => item.index !== index && item.entry.size > index);
    const before = anchors.findLast(({ item }) => item.index < index);
    mustHold(
      covering === undefined || taiNs - adversarialNs <= taiRangeOf(covering.timeEvidence).latestNs,
      `the claimed interval of entry ${index} lies after the anchor that covers it`,
    );
    mustHold(
      before === undefined || taiNs + adversarialNs >= taiRangeOf(before.timeEvidence).earliestNs,
      `the claimed interval of entry ${index} lies before the last anchor`,
    );
    count += covering === undefined && before === undefined ? 0 : 1;
  }
  if (count === 0) throw skipped('no entry claims an interval that an anchor bounds');
  const { taiNs, adversarialNs } = subject.entry.time;
  if (adversarialNs === null || coveringAnchor === undefined) {
    return `${count} claimed intervals lie between their anchors' readings`;
  }
  const place = anchorBefore === undefined ? 'before the reading of its anchor' : BETWEEN;
  return `the stated ${formatTai(taiNs)} ± ${adversarialNs} ns lies ${place}`;
}
