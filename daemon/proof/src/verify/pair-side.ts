/**
 * One of two pieces of evidence that are held against each other: a bundle, an anchored receipt or
 * a checkpoint. What it claims is what the log key signed, and what the TPM attested where that was
 * checked; a piece in which neither holds claims nothing.
 */
import { decodeAnchoredReceipt } from '../bundle.ts';
import { decodeBundle } from '../bundle.ts';
import { decodeUtf8, equalBytes } from '../bytes.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { parseCheckpoint } from '../checkpoint.ts';
import type { AnchorEntry } from '../entry.ts';
import { decodeEntry, isAnchorEntry } from '../entry.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../merkle.ts';
import { parseVerifierKey, verifyNote } from '../note.ts';
import type { TrustPolicy } from '../policy.ts';
import { ProofError } from '../proof-error.ts';
import type { TpmClockInfo } from '../tpm-attest.ts';
import { parseAttest } from '../tpm-attest.ts';
import type { Evidence } from './evidence.ts';
import { quote } from './quote.ts';
import type { Overall } from './verdict.ts';
import type { Examination, VerifyOptions } from './verify.ts';
import { examine } from './verify.ts';

/** A tree that the log key signed. */
export interface SignedHead {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** What stands, or by its successor stood, at a place of the log. */
export interface ClaimedLeaf {
  readonly index: bigint;
  readonly leafHash: Uint8Array;
}

export interface ClaimedAnchor extends ClaimedLeaf {
  readonly entry: AnchorEntry;
  /** The TPM's clock at L and at N. */
  readonly clocks: readonly [TpmClockInfo, TpmClockInfo];
}

export interface PairSide {
  readonly kind: 'bundle' | 'receipt' | 'checkpoint' | 'unknown';
  /** Of this piece alone. */
  readonly overall: Overall;
  /** Why it is not VALID; else what it is. */
  readonly text: string;
  /** The tree under which it stands; null where it claims nothing. */
  readonly head: SignedHead | null;
  /** Every tree that the log key signed here, the head too. */
  readonly heads: readonly SignedHead[];
  /** Trees that are shown to be the beginning of the head's. */
  readonly beginnings: readonly SignedHead[];
  readonly leaves: readonly ClaimedLeaf[];
  readonly anchors: readonly ClaimedAnchor[];
}

/** Without these a bundle says nothing of the log that the policy names. */
const NEEDED_CHECKS: ReadonlySet<string> = new Set([
  'order.bundle-form',
  'what.entry-form',
  'who.ledger',
  'who.origin',
  'order.checkpoint-origin',
  'order.log-signature',
  'order.inclusion',
]);
const ANCHOR_CHECKS: ReadonlySet<string> = new Set([
  'order.anchor-checkpoint',
  'order.anchor-signatures',
  'order.anchor-binding',
  'order.anchor-counter',
]);
const NOTHING = { head: null, heads: [], beginnings: [], leaves: [], anchors: [] } as const;

/** Reads one side. Never rejects: what cannot be read is INVALID and claims nothing. */
export async function readSide(
  bytes: Uint8Array,
  policy: TrustPolicy,
  options: VerifyOptions,
): Promise<PairSide> {
  if (attempt(() => decodeBundle(bytes)) !== null) {
    return sideOfBundle(await examine(bytes, policy, options));
  }
  const [kind, read] =
    attempt(() => decodeAnchoredReceipt(bytes)) !== null
      ? (['receipt', sideOfReceipt] as const)
      : attempt(() => decodeUtf8(bytes)) !== null
        ? (['checkpoint', sideOfCheckpoint] as const)
        : (['unknown', refuse] as const);
  try {
    return { kind, ...read(bytes, policy) };
  } catch (error) {
    if (error instanceof ProofError) return unusable(kind, 'INVALID', error.message);
    throw error;
  }
}

function sideOfBundle({ verdict, evidence }: Examination): PairSide {
  const { overall, checks } = verdict;
  const bad = checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'unverifiable');
  const worst = bad.find(({ outcome }) => outcome === 'fail') ?? bad[0];
  const text = worst === undefined ? verdict.headline : `${worst.id}: ${worst.text}`;
  if (evidence === undefined || bad.some(({ id }) => NEEDED_CHECKS.has(id))) {
    return unusable('bundle', overall, text);
  }
  const areAttested = !bad.some(({ id }) => ANCHOR_CHECKS.has(id));
  const isConsistent = checks.some((check) => {
    return check.id === 'order.anchor-consistency' && check.outcome === 'pass';
  });
  return { kind: 'bundle', overall, text, ...claimsOf(evidence, { areAttested, isConsistent }) };
}

function claimsOf(
  { proof, items, anchors, coveringAnchor }: Evidence,
  { areAttested, isConsistent }: { readonly areAttested: boolean; readonly isConsistent: boolean },
): Omit<PairSide, 'kind' | 'overall' | 'text'> {
  const head = headOf(proof.checkpoint);
  const claimed = areAttested ? anchors : [];
  const covering = coveringAnchor === undefined ? [] : [headOf(coveringAnchor.item.entry)];
  return {
    head,
    heads: [head, ...claimed.map(({ item }) => headOf(item.entry))],
    beginnings: isConsistent ? covering : [],
    leaves: items.flatMap(({ index, leafHash: hash, entry }) => leavesAt(index, hash, entry)),
    anchors: claimed.map(({ item, left, counter }) => ({
      index: item.index,
      leafHash: item.leafHash,
      entry: item.entry,
      clocks: [left.attest.clock, counter.attest.clock],
    })),
  };
}

type Reading = Omit<PairSide, 'kind'>;

function sideOfReceipt(bytes: Uint8Array, policy: TrustPolicy): Reading {
  const receipt = decodeAnchoredReceipt(bytes);
  const checkpoint = parseCheckpoint(receipt.checkpoint);
  const problem = problemOfNote(checkpoint, policy);
  if (problem !== null) return problem;
  const located = [receipt.anchor, receipt.statement].map(({ index, entry, path }) => {
    const hash = leafHash(entry);
    const { size, root } = checkpoint;
    if (!verifyInclusion({ index, size, leafHash: hash, root }, path)) {
      throw new ProofError('bundle-invalid', `receipt: entry ${index} is not in its tree`);
    }
    return { index, leafHash: hash, entry: decodeEntry(entry) };
  });
  const [anchor] = located;
  if (anchor === undefined || !isAnchorEntry(anchor.entry)) {
    throw new ProofError('bundle-invalid', 'receipt: its anchor is none');
  }
  const { entry } = anchor;
  const anchored = headOf(entry);
  const head = headOf(checkpoint);
  const claim = {
    oldSize: entry.size,
    oldRoot: entry.root,
    newSize: head.size,
    newRoot: head.root,
  };
  if (!verifyConsistency(claim, receipt.consistency)) {
    throw new ProofError('bundle-invalid', 'receipt: the anchored tree is not in its tree');
  }
  const clocks = [parseAttest(entry.left.attest).clock, parseAttest(entry.counter.attest).clock];
  return {
    overall: 'VALID',
    text: 'an anchored receipt, signed by the log key',
    head,
    heads: [head, anchored],
    beginnings: [anchored],
    leaves: located.flatMap((each) => leavesAt(each.index, each.leafHash, each.entry)),
    anchors: [{ ...anchor, entry, clocks: clocks as [TpmClockInfo, TpmClockInfo] }],
  };
}

function sideOfCheckpoint(bytes: Uint8Array, policy: TrustPolicy): Reading {
  const checkpoint = parseCheckpoint(bytes);
  const problem = problemOfNote(checkpoint, policy);
  if (problem !== null) return problem;
  const head = headOf(checkpoint);
  const text = 'a checkpoint, signed by the log key';
  return { ...NOTHING, overall: 'VALID', text, head, heads: [head] };
}

function refuse(): never {
  throw new ProofError(
    'bundle-invalid',
    'neither a bundle nor an anchored receipt nor a checkpoint',
  );
}

/** Why the note is not of the policy's log by its key, or null. */
function problemOfNote(checkpoint: Checkpoint, { origin, logKey }: TrustPolicy): Reading | null {
  const no = (overall: Overall, text: string): Reading => ({ ...NOTHING, overall, text });
  if (checkpoint.origin !== origin) {
    const found = quote(checkpoint.origin);
    const text = `the checkpoint is of the log ${found}, the policy names '${origin}'`;
    return no('UNVERIFIABLE', text);
  }
  const state = verifyNote(checkpoint.note, parseVerifierKey(logKey));
  if (state === 'valid') return null;
  const text = `the signature of the log key is ${state}`;
  return no(state === 'invalid' ? 'INVALID' : 'UNVERIFIABLE', text);
}

/** An entry's own place, and the one before it, whose leaf hash it holds. */
function leavesAt(
  index: bigint,
  hash: Uint8Array,
  { previousLeafHash }: { readonly previousLeafHash: Uint8Array },
): ClaimedLeaf[] {
  const own = { index, leafHash: hash };
  return index === 0n ? [own] : [{ index: index - 1n, leafHash: previousLeafHash }, own];
}

function headOf({ size, root }: SignedHead): SignedHead {
  return { size, root };
}

export function isSameHead(left: SignedHead, right: SignedHead): boolean {
  return left.size === right.size && equalBytes(left.root, right.root);
}

function unusable(kind: PairSide['kind'], overall: Overall, text: string): PairSide {
  return { kind, overall: overall === 'VALID' ? 'UNVERIFIABLE' : overall, text, ...NOTHING };
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
