/**
 * Rate (SPEC.md §9): between two anchors of one TPM boot the TPM's time and the clock that the time
 * evidence shows ran equally long. Nobody can set the TPM's time, so who dates entries back, or
 * forward, by evidence of his own making shows here, unless he resets the TPM.
 */
import { equalBytes } from '../bytes.ts';
import { rawTimeOf } from '../time-evidence.ts';
import type { Anchor, Evidence } from './evidence.ts';
import { mustHold, skipped, unverifiable } from './finding.ts';
import { compareBoots } from './replay.ts';

const NS_PER_MS = 1_000_000n;
/** A TPM's clock is right to ±15 % (TPM 2.0 Library Part 1, §36). */
const RATE_ERROR_PERCENT = 15n;
/** Scatter of reads and roundings. */
const SLACK_MS = 1000n;
/** So long after its boot entry an anchor may be one that was under way before. */
const FINISHED_WITHIN_MS = 600_000n;

interface Range {
  readonly leastMs: bigint;
  readonly mostMs: bigint;
}

/** Between each two neighbouring anchors here that can be compared. */
export function checkAnchorRate(evidence: Evidence): string {
  const { anchors } = evidence;
  let count = 0;
  for (const [i, later] of anchors.entries()) {
    const earlier = anchors[i - 1];
    if (earlier === undefined) continue;
    const ticks = ticksBetween(earlier, later);
    const reading = ticks === null ? null : readingBetween(evidence, [earlier, later]);
    if (ticks === null || reading === null) continue;
    requireSameRate(ticks, reading, later);
    count += 1;
  }
  if (count === 0) throw skipped('no two anchors here are of one TPM boot, with readings of it');
  return `${count} times the TPM and the clock of the evidence ran equally long`;
}

/** What the TPM's own time says; null where it was reset, or went back, which others refuse. */
function ticksBetween(earlier: Anchor, later: Anchor): Range | null {
  if (compareBoots(earlier.right.attest.clock, later.left.attest.clock) !== 0) return null;
  const [left, right] = [timeOf(later, 'left'), timeOf(later, 'right')];
  const [leftBefore, rightBefore] = [timeOf(earlier, 'left'), timeOf(earlier, 'right')];
  if (left === null || right === null || leftBefore === null || rightBefore === null) return null;
  const range = { leastMs: left - rightBefore, mostMs: right - leftBefore };
  return range.leastMs < 0n || range.mostMs < range.leastMs ? null : range;
}

function timeOf(anchor: Anchor, side: 'left' | 'right'): bigint | null {
  const { attested } = anchor[side].attest;
  return attested.type === 'time' ? attested.timeMs : null;
}

/**
 * What the evidence says: readings of CLOCK_MONOTONIC_RAW, which nobody steps. An anchor that was
 * finished after a reset has a reading of before it: it is not of the run in which the anchor was
 * made, or, where it looks as if it were, off by what passed of that run at most.
 */
function readingBetween(
  evidence: Evidence,
  [earlier, later]: readonly [Anchor, Anchor],
): Range | null {
  const [boot, laterBoot] = [bootOf(evidence, earlier), bootOf(evidence, later)];
  if (boot === undefined || laterBoot === undefined) return null;
  if (!equalBytes(boot.kernelBootId, laterBoot.kernelBootId)) {
    throw unverifiable(
      `between anchors ${earlier.item.index} and ${later.item.index} the kernel was started anew ` +
        'without a reset of the TPM: their readings cannot be compared',
    );
  }
  const from = rawTimeOf(earlier.timeEvidence);
  const [begun, made] = [boot.time.monotonicRawNs, earlier.item.entry.time.monotonicRawNs];
  if (from < begun || from > made) return null;
  const ranMs = (made - begun) / NS_PER_MS + 1n;
  const uncertainMs = ranMs < FINISHED_WITHIN_MS ? ranMs : 0n;
  const readMs = (rawTimeOf(later.timeEvidence) - from) / NS_PER_MS;
  return { leastMs: readMs - uncertainMs, mostMs: readMs + uncertainMs };
}

function bootOf({ boots }: Evidence, { item }: Anchor) {
  return boots.find((boot) => boot.item.index === item.entry.time.bootIndex)?.item.entry;
}

/** The true time is within 15 % of the ticks; the reading, however uncertain, must be too. */
function requireSameRate(ticks: Range, reading: Range, { item }: Anchor): void {
  const leastMs = (ticks.leastMs * 100n) / (100n + RATE_ERROR_PERCENT) - SLACK_MS;
  const mostMs = (ticks.mostMs * 100n) / (100n - RATE_ERROR_PERCENT) + SLACK_MS;
  mustHold(
    reading.mostMs >= leastMs && reading.leastMs <= mostMs,
    `between anchor ${item.index} and the one before it here the TPM ran for ${ticks.leastMs} to ` +
      `${ticks.mostMs} ms, the evidence says ${reading.leastMs} to ${reading.mostMs} ms`,
  );
}
