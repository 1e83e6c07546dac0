/**
 * Two pieces of evidence held against each other (SPEC.md §13.1). A log that tells two histories
 * signs both; who holds one of each has proof of it, with nobody else's help.
 */
import { encodeHex, equalBytes } from '../bytes.ts';
import { verifyConsistency } from '../merkle.ts';
import type { TrustPolicy } from '../policy.ts';
import type { TpmClockInfo } from '../tpm-attest.ts';
import type { ClaimedAnchor, PairSide, SignedHead } from './pair-side.ts';
import { isSameHead, readSide } from './pair-side.ts';
import { showable } from './quote.ts';
import type { Overall } from './verdict.ts';
import type { VerifyOptions } from './verify.ts';

export interface PairOptions extends VerifyOptions {
  /** That the tree of `oldSize` is the beginning of the larger of the two. */
  readonly consistency?: {
    readonly oldSize: bigint;
    readonly path: readonly Uint8Array[];
  };
}

/** What one side is, for people. */
export interface PairSideSummary {
  readonly kind: PairSide['kind'];
  readonly overall: Overall;
  readonly text: string;
  readonly size: bigint | null;
}

export interface PairVerdict {
  readonly overall: Overall;
  /** `VALID: consistent`, `INVALID: equivocation`, `INVALID`, `UNVERIFIABLE`. */
  readonly headline: string;
  readonly policy: string;
  readonly text: string;
  readonly sides: readonly [PairSideSummary, PairSideSummary];
  /** What contradicts what, a sentence each. */
  readonly contradictions: readonly string[];
}

/**
 * Whether bundles, anchored receipts or checkpoints `a` and `b` are of one history. INVALID with
 * contradictions where no one log can hold both; INVALID without where one of them is invalid by
 * itself; VALID where one's tree is shown to be the other's or its beginning; else UNVERIFIABLE.
 * Never rejects.
 */
export async function verifyPair(
  ...[a, b, policy, options = {}]: readonly [Uint8Array, Uint8Array, TrustPolicy, PairOptions?]
): Promise<PairVerdict> {
  const sides = [await readSide(a, policy, options), await readSide(b, policy, options)] as const;
  const contradictions = contradictionsOf(sides).map(showable);
  const { overall, text } = judge(sides, contradictions, options.consistency);
  return {
    overall,
    headline: headlineOf(overall, contradictions),
    policy: policy.name,
    text: showable(text),
    sides: [summaryOf(sides[0]), summaryOf(sides[1])],
    contradictions,
  };
}

type Sides = readonly [PairSide, PairSide];

function judge(
  sides: Sides,
  contradictions: readonly string[],
  consistency: PairOptions['consistency'],
): { overall: Overall; text: string } {
  if (contradictions.length > 0) {
    return { overall: 'INVALID', text: 'the log has told two histories: A and B contradict' };
  }
  for (const overall of ['INVALID', 'UNVERIFIABLE'] as const) {
    const at = sides.findIndex((side) => side.overall === overall);
    const name = at === 0 ? 'A' : 'B';
    if (at >= 0) return { overall, text: `${name} by itself is ${overall}: ${sides[at]?.text}` };
  }
  return linkOf(sides, consistency);
}

/** How the trees of both sides, which contradict in nothing, belong together. */
function linkOf(
  [a, b]: Sides,
  consistency: PairOptions['consistency'],
): { overall: Overall; text: string } {
  const [one, other] = [a.head, b.head];
  if (one === null || other === null) {
    return { overall: 'UNVERIFIABLE', text: 'a side claims nothing of the log' };
  }
  const [older, newer] = one.size <= other.size ? [one, other] : [other, one];
  if (isSameHead(older, newer)) {
    return { overall: 'VALID', text: `both are of the same tree of ${newer.size}` };
  }
  const text = `the tree of ${older.size} is the beginning of the tree of ${newer.size}`;
  const { beginnings } = newer === one ? a : b;
  if (beginnings.some((beginning) => isSameHead(beginning, older))) {
    return { overall: 'VALID', text };
  }
  if (consistency?.oldSize === older.size) {
    const claim = {
      oldSize: older.size,
      oldRoot: older.root,
      newSize: newer.size,
      newRoot: newer.root,
    };
    if (verifyConsistency(claim, consistency.path)) return { overall: 'VALID', text };
    const bad = `the proof does not show that ${text}`;
    return { overall: 'INVALID', text: bad };
  }
  const missing =
    `nothing contradicts, and nothing shows that ${text}: ` +
    `a consistency proof from ${older.size} to ${newer.size} would`;
  return { overall: 'UNVERIFIABLE', text: missing };
}

function contradictionsOf([a, b]: Sides): string[] {
  return [...headContradictions(a, b), ...leafContradictions(a, b), ...anchorContradictions(a, b)];
}

function headContradictions(a: PairSide, b: PairSide): string[] {
  const found = new Set<string>();
  for (const one of a.heads) {
    for (const other of b.heads) {
      if (one.size !== other.size || isSameHead(one, other)) continue;
      found.add(
        `two trees of ${one.size} entries, both signed by the log key: ` +
          `A has root ${shortOf(one)}, B has root ${shortOf(other)}`,
      );
    }
  }
  return [...found];
}

function leafContradictions(a: PairSide, b: PairSide): string[] {
  const found = new Map<bigint, string>();
  for (const one of a.leaves) {
    const other = b.leaves.find(({ index, leafHash }) => {
      return index === one.index && !equalBytes(leafHash, one.leafHash);
    });
    if (other === undefined) continue;
    const hashes = [one, other].map(({ leafHash }) => encodeHex(leafHash).slice(0, 16));
    found.set(
      one.index,
      `two entries ${one.index}: A has leaf hash ${hashes[0]}…, B has leaf hash ${hashes[1]}…`,
    );
  }
  return [...found.values()];
}

function anchorContradictions(a: PairSide, b: PairSide): string[] {
  return a.anchors.flatMap((one) =>
    b.anchors.flatMap((other) => {
      const isSame = equalBytes(one.leafHash, other.leafHash);
      if (isSame || one.entry.appliance !== other.entry.appliance) return [];
      const isOrdered = one.entry.anchorSequence <= other.entry.anchorSequence;
      const names = isOrdered ? (['A', 'B'] as const) : (['B', 'A'] as const);
      const problem = isOrdered ? problemOf(one, other) : problemOf(other, one);
      if (problem === null) return [];
      const [first, second] = isOrdered ? [one, other] : [other, one];
      const numbers = [first, second].map(({ entry }) => entry.anchorSequence);
      return [
        `anchor ${numbers[0]} of ${names[0]} and anchor ${numbers[1]} of ${names[1]}: ${problem}`,
      ];
    }),
  );
}

/** Why no one log, and no one TPM, can have made both; `before` has the lower or same sequence. */
function problemOf(before: ClaimedAnchor, after: ClaimedAnchor): string | null {
  const [old, entry] = [before.entry, after.entry];
  const steps = entry.anchorSequence - old.anchorSequence;
  if (steps === 0n) return 'two different anchors in one place of the sequence';
  if (steps === 1n && !equalBytes(entry.previousAnchorLeafHash, before.leafHash)) {
    return 'the second names another anchor than the first as the one before it';
  }
  if (after.index <= before.index || entry.size < old.size) {
    return 'the second is of a shorter log than the first';
  }
  const counted = entry.counterExpected - old.counterExpected;
  if (counted < 0n || counted > steps) {
    return `the TPM's counter went from ${old.counterExpected} to ${entry.counterExpected}`;
  }
  const isBack = compareClocks(before.clocks[1], after.clocks[0]) > 0;
  return isBack ? "by the TPM's clock the second was made before the first" : null;
}

function compareClocks(left: TpmClockInfo, right: TpmClockInfo): number {
  if (left.resetCount !== right.resetCount) return left.resetCount - right.resetCount;
  if (left.restartCount !== right.restartCount) return left.restartCount - right.restartCount;
  return left.clockMs < right.clockMs ? -1 : left.clockMs > right.clockMs ? 1 : 0;
}

function headlineOf(overall: Overall, contradictions: readonly string[]): string {
  if (contradictions.length > 0) return 'INVALID: equivocation';
  return overall === 'VALID' ? 'VALID: consistent' : overall;
}

function summaryOf({ kind, overall, text, head }: PairSide): PairSideSummary {
  return { kind, overall, text: showable(text), size: head?.size ?? null };
}

function shortOf({ root }: SignedHead): string {
  return `${encodeHex(root).slice(0, 16)}…`;
}
