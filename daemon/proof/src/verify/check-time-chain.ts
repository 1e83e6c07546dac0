/**
 * What time evidence goes on from (SPEC.md §9.6): the clock that it holds over is of a lock, in the
 * same boot of the kernel; what was latched is taken over from the evidence just before it.
 */
import { TIME_LEVELS } from '../entry-fields.ts';
import { isContinuous } from '../time/clock-state.ts';
import { decodeRawTimeEvidence } from '../time/raw-time-evidence.ts';
import type { Evidence } from './evidence.ts';
import { mustHold, skipped } from './finding.ts';
import type { StandingEvidence } from './time-items.ts';
import { areOfOneBoot, rawOf, usedEvidence } from './time-items.ts';

const LOCKED = TIME_LEVELS.indexOf('LOCKED');

/** Evidence goes on from a lock, of the boot of the kernel that it is of itself. */
export function checkBases(evidence: Evidence): string {
  let count = 0;
  for (const standing of usedEvidence(evidence)) {
    const { item, evidence: told } = standing;
    const base = evidence.timeEvidenceAt(told.baseEvidenceIndex);
    if (base === undefined) continue; // a missing one is the business of checkTimeEvidence
    const place = `time evidence ${item.index}`;
    mustHold(
      areOfOneBoot(evidence, item, base.item),
      `${place} goes on from evidence of another boot, ${base.item.index}`,
    );
    mustHold(
      TIME_LEVELS.indexOf(base.evidence.segment.level) >= LOCKED,
      `${place} goes on from evidence that was no lock, ${base.item.index}`,
    );
    const [before, after] = [base, standing].map((each) => rawOf(evidence, each));
    const isOneRun =
      before === undefined ||
      after === undefined ||
      isContinuous(decodeRawTimeEvidence(before), decodeRawTimeEvidence(after));
    mustHold(isOneRun, `${place} goes on across a suspend from ${base.item.index}`);
    count += 1;
  }
  if (count === 0) throw skipped('no evidence here goes on from other evidence');
  return `${count} go on from a lock of the same boot`;
}

/** Evidence follows the last one under its profile: nothing that was latched is forgotten. */
export function checkLatches(evidence: Evidence): string {
  const used = usedEvidence(evidence);
  if (used.length === 0) throw skipped('no time here rests on evidence of named sources');
  for (const standing of used) {
    const { item, evidence: told } = standing;
    const place = `time evidence ${item.index}`;
    const prior = evidence.timeEvidenceAt(told.priorEvidenceIndex);
    mustHold(
      prior === undefined || prior.evidence.profileIndex === told.profileIndex,
      `${place} follows evidence under another time profile, ${prior?.item.index}`,
    );
    const skips = evidence.timeEvidences.find((other) => isBetween(evidence, standing, other));
    mustHold(
      skips === undefined,
      `${place} leaves out the evidence before it, ${skips?.item.index}`,
    );
  }
  return `${used.length} follow the evidence before them under the same time profile`;
}

/**
 * Whether `other` came after what `standing` follows and was there to be followed: in one boot of
 * the kernel by when it was taken, for an anchor is written some time after its evidence was.
 */
function isBetween(
  evidence: Evidence,
  standing: StandingEvidence,
  other: StandingEvidence,
): boolean {
  const { item, evidence: told } = standing;
  if (other.evidence.profileIndex !== told.profileIndex || other.item.index >= item.index) {
    return false;
  }
  const prior = evidence.timeEvidenceAt(told.priorEvidenceIndex);
  const isKnown = !isLater(evidence, other, standing);
  return isKnown && (prior === undefined || isLater(evidence, other, prior));
}

function isLater(evidence: Evidence, later: StandingEvidence, earlier: StandingEvidence): boolean {
  if (!areOfOneBoot(evidence, later.item, earlier.item)) {
    return later.item.index > earlier.item.index;
  }
  return later.evidence.takenRawNs > earlier.evidence.takenRawNs;
}
