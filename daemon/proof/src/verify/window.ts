/**
 * The window that remains (SPEC.md §13): between the counter-anchors on both sides of an entry,
 * across a reset of the TPM, nothing but evidence held outside tells two histories apart. How long
 * that is, by the TPM's clock as it signed it.
 */
import type { Anchor, Evidence } from './evidence.ts';
import { compareBoots } from './replay.ts';

export interface RemainingWindow {
  /** Milliseconds of the TPM's clock; null where the bundle does not show them. */
  readonly ms: bigint | null;
  readonly text: string;
}

/** Nothing in an invalid bundle is believed. */
export const UNREAD_WINDOW: RemainingWindow = {
  ms: null,
  text: 'unknown: the bundle is not valid',
};

/** From L of the counter-anchor before the subject to R of the first that covers it. */
export function windowOf(evidence: Evidence): RemainingWindow {
  const { anchors, subject } = evidence;
  const counted = anchors.filter(({ item }) => item.entry.kind === 'counter-anchor');
  const before = counted.findLast(({ item }) => item.index < subject.index);
  const after = counted.find(({ item }) => item !== subject && item.entry.size > subject.index);
  if (before !== undefined && after !== undefined) return between(before, after);
  const missing = before === undefined ? (after === undefined ? 'none' : 'before') : 'after';
  return unknown(MISSING[missing]);
}

const MISSING = {
  none: 'no counter-anchor on either side of the entry is in the bundle',
  before: 'no counter-anchor before the entry is in the bundle',
  after: 'no counter-anchor that covers the entry is in the bundle',
} as const;

function between(before: Anchor, after: Anchor): RemainingWindow {
  const [from, to] = [before.left.attest.clock, after.right.attest.clock];
  const places = `counter-anchors ${before.item.index} and ${after.item.index}`;
  if (compareBoots(from, to) !== 0) return unknown(`the TPM was reset between ${places}`);
  const ms = to.clockMs - from.clockMs;
  const text =
    `${ms} ms by the TPM's clock, between ${places}: a history that parts within it, ` +
    'where the TPM is reset, only evidence held outside contradicts';
  return { ms, text };
}

function unknown(why: string): RemainingWindow {
  return { ms: null, text: `unknown: ${why}` };
}
