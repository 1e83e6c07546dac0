/**
 * Anchors: what the TPM attested about the tree, its clock and its counter (SPEC.md §9). Each check
 * is over all anchors of the bundle, except where it names the one that covers the subject.
 */
import {
  anchorDigest,
  counterQualifier,
  extendQualifier,
  leftQualifier,
  quoteQualifier,
  rightQualifier,
} from '../anchor.ts';
import { decodeU64, equalBytes } from '../bytes.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../merkle.ts';
import { parseVerifierKey } from '../note.ts';
import { HASH_SIZE_BYTES, sha256, ZERO_HASH } from '../sha256.ts';
import type { Attested, TpmClockInfo } from '../tpm-attest.ts';
import type { NvPublic } from '../tpm-public.ts';
import { qualifiedNameUnderEk } from '../tpm-public.ts';
import { isQuoteOf } from './check-boot.ts';
import { checkpointVerifierKey, requireLine } from './check-checkpoint.ts';
import { checkRestores, requireRestored } from './check-restore.ts';
import type { Anchor, AnchorAttest, Evidence } from './evidence.ts';
import { mustHold, skipped, unverifiable } from './finding.ts';
import { compareBoots } from './replay.ts';

const COUNTER_SIZE_BYTES = 8;

type ClockReading = Pick<TpmClockInfo, 'resetCount' | 'restartCount' | 'clockMs'>;

/** An anchor covers the subject. */
export function checkAnchored({ coveringAnchor }: Evidence): string {
  if (coveringAnchor === undefined) throw unverifiable('no anchor covers the entry yet');
  const { anchorSequence, size } = coveringAnchor.item.entry;
  return `anchor ${anchorSequence} covers the entry, as one of ${size}`;
}

/** The covering anchor's tree is a prefix of the checkpoint's. */
export function checkAnchorConsistency({ coveringAnchor, proof, bundle }: Evidence): string {
  if (coveringAnchor === undefined) throw skipped('no anchor covers the entry');
  const { size, root } = coveringAnchor.item.entry;
  const { checkpoint } = proof;
  const claim = {
    oldSize: size,
    oldRoot: root,
    newSize: checkpoint.size,
    newRoot: checkpoint.root,
  };
  mustHold(
    verifyConsistency(claim, bundle.consistency),
    `the anchored tree of ${size} is not the beginning of the checkpoint's tree`,
  );
  return `the anchored tree of ${size} is the beginning of the checkpoint's tree`;
}

/** Each anchor's own checkpoint is of its tree and signed by log key and TPM. */
export async function checkAnchorCheckpoints(evidence: Evidence): Promise<string> {
  const logKey = parseVerifierKey(evidence.policy.logKey);
  const tpmKey = checkpointVerifierKey(evidence);
  return eachAnchor(evidence, async ({ item, checkpoint }) => {
    const { size, root } = item.entry;
    const isSame =
      checkpoint.origin === evidence.genesis.provisioning.origin &&
      checkpoint.size === size &&
      equalBytes(checkpoint.root, root);
    mustHold(isSame, `the checkpoint in anchor ${item.index} is of another tree`);
    await Promise.all([
      requireLine(evidence, checkpoint, logKey),
      requireLine(evidence, checkpoint, tpmKey),
    ]);
    return `anchor ${item.index}: log key and TPM signed its tree of ${size}`;
  });
}

/** Every attestation is signed by the AK under this EK. */
export async function checkAttestSignatures(evidence: Evidence): Promise<string> {
  const { ak, ek } = evidence.genesis;
  const signer = qualifiedNameUnderEk(ek, ak);
  const key = { algorithm: 'ESP256', bytes: ak.point } as const;
  return eachAnchor(evidence, async (anchor) => {
    const attests = attestsOf(anchor);
    const checks = attests.map(async ({ name, bytes, signature, attest }) => {
      const place = `${name} of anchor ${anchor.item.index}`;
      mustHold(equalBytes(attest.qualifiedSigner, signer), `${place} is not by the AK of this EK`);
      const isSigned = await evidence.signatures.check({ key, message: bytes, signature });
      mustHold(isSigned, `${place} is not signed by the AK`);
    });
    await Promise.all(checks);
    return `anchor ${anchor.item.index}: ${attests.length} attestations by the AK`;
  });
}

/** L, R and N are bound to the tree, to the time evidence and to each other. */
export async function checkAnchorBinding(evidence: Evidence): Promise<string> {
  const { ledgerId, applianceId } = evidence.genesis;
  return eachAnchor(evidence, ({ item, left, right, counter }) => {
    const { entry, index } = item;
    const evidenceHash = sha256(entry.evidence);
    const digest = anchorDigest({ ...entry, ledgerId, applianceId, evidenceHash });
    requireQualifier(left, leftQualifier(entry), index);
    requireQualifier(right, rightQualifier(left.bytes, digest), index);
    requireQualifier(counter, counterQualifier(right.bytes), index);
    const areTimes = left.attest.attested.type === 'time' && right.attest.attested.type === 'time';
    mustHold(areTimes, `L and R of anchor ${index} do not attest the TPM's time`);
    return `anchor ${index}: time, tree and counter are bound together`;
  });
}

/** N certifies the counter at the value that the anchor expects. */
export async function checkAnchorCounter(evidence: Evidence): Promise<string> {
  const { counter: nvCounter, document } = evidence.genesis;
  return eachAnchor(evidence, ({ item, counter }) => {
    const { attested } = counter.attest;
    const place = `N of anchor ${item.index}`;
    mustHold(
      isWholeIndex(attested, nvCounter, COUNTER_SIZE_BYTES),
      `${place} does not certify the whole of the appliance's counter`,
    );
    const value = decodeU64(attested.contents);
    const { counterExpected } = item.entry;
    mustHold(
      value === counterExpected,
      `${place}: the counter is ${value}, not ${counterExpected}`,
    );
    mustHold(
      value > BigInt(document.counterBase),
      `${place}: the counter is not above its base ${document.counterBase}`,
    );
    return `anchor ${item.index}: the TPM counter stood at ${value}`;
  });
}

/**
 * The TPM's clock does not go back, within an anchor and from anchor to anchor; behind a restore
 * entry, from what that found.
 */
export function checkAnchorClock(evidence: Evidence): string {
  const readings = evidence.anchors.flatMap((anchor) => {
    const { item } = anchor;
    const clocks = attestsOf(anchor).map(({ attest }) => attest.clock);
    const [first] = clocks;
    const isOneRun = clocks.every(
      ({ resetCount, restartCount }) =>
        resetCount === first?.resetCount && restartCount === first.restartCount,
    );
    mustHold(isOneRun, `the TPM was reset within anchor ${item.index}`);
    const [restored] = evidence.restoresFrom(item.entry.previousAnchorIndex);
    const from = restored === undefined ? null : restored.restoration.found;
    return clocks.map((clock, i) => ({ clock, index: item.index, from: i === 0 ? from : null }));
  });
  if (readings.length === 0) throw skipped('no anchor is here');
  for (const [i, { clock, index, from }] of readings.entries()) {
    const before = from ?? readings[i - 1]?.clock;
    mustHold(
      before === undefined || compareClocks(before, clock) <= 0,
      `the TPM's clock went back in anchor ${index}`,
    );
  }
  return "the TPM's clock does not go back";
}

/** Anchors follow each other: sequence, predecessor's hash, counter. */
export function checkAnchorChain(evidence: Evidence): string {
  const restored = checkRestores(evidence);
  const followed = checkFollowing(evidence);
  return restored === '' ? followed : `${followed}; ${restored}`;
}

function checkFollowing(evidence: Evidence): string {
  const { anchors, anchorBefore, anchorChain, coveringAnchor, subject, genesis } = evidence;
  if (anchors.length === 0) throw skipped('no anchor is here');
  for (const anchor of anchors) requireLinked(evidence, anchor, genesis.document.counterBase);
  const last = anchorChain.at(-1);
  if (coveringAnchor === undefined || last === undefined) {
    return 'the anchors here follow each other';
  }
  const previous = evidence.anchorIndexBefore(last.item.entry.previousAnchorIndex);
  const isWhole = last.item.index < subject.index || previous === null;
  mustHold(
    isWhole,
    `anchor ${previous}, between the last before the entry and its own, is missing`,
  );
  const reached = last.item.index < subject.index ? last : undefined;
  mustHold(
    anchorBefore === reached,
    `anchor ${coveringAnchor.item.index} denies anchor ${anchorBefore?.item.index}`,
  );
  return 'the anchors here follow each other';
}

/**
 * Quote and extend are there exactly where the appliance has a PCR and an extend index for them.
 */
export function checkAnchorExtras(evidence: Evidence): string {
  const { document, extend: index } = evidence.genesis;
  if (evidence.anchors.length === 0) throw skipped('no anchor is here');
  for (const { item, counter, quote, extend } of evidence.anchors) {
    const wantsExtend = index !== null && item.entry.kind === 'counter-anchor';
    mustHold(
      (quote !== null) === (document.pcrIndex !== null) && (extend !== null) === wantsExtend,
      `anchor ${item.index} lacks, or has too many of, the quote and the extend index`,
    );
    if (quote !== null) {
      requireQualifier(quote, quoteQualifier(counter.bytes), item.index);
      mustHold(
        document.pcrIndex !== null && isQuoteOf(quote.attest.attested, [document.pcrIndex]),
        `the quote of anchor ${item.index} is not of PCR ${document.pcrIndex} alone`,
      );
    }
    if (extend !== null) {
      requireQualifier(extend, extendQualifier(counter.bytes), item.index);
      mustHold(
        index !== null && isWholeIndex(extend.attest.attested, index, HASH_SIZE_BYTES),
        `anchor ${item.index} does not certify the whole extend index`,
      );
    }
  }
  if (document.pcrIndex === null && index === null) {
    throw skipped('the appliance extends no PCR and no index');
  }
  return "quote and extend index are the appliance's; replaying them takes the whole log";
}

/** Of this index, from its first byte to its last. */
function isWholeIndex(
  attested: Attested,
  index: NvPublic,
  sizeBytes: number,
): attested is Attested & { type: 'nv' } {
  return (
    attested.type === 'nv' &&
    equalBytes(attested.indexName, index.name) &&
    attested.offset === 0 &&
    attested.contents.length === sizeBytes
  );
}

/**
 * The agent's last action, as the covering anchor froze it, is the subject or stands after it. An
 * agent may have several sessions at once: only within one session do its sequence numbers compare.
 */
export function checkAgentHead(evidence: Evidence): string {
  const { bundle, agentHead, subjectAction, coveringAnchor } = evidence;
  const head = bundle.agentHead;
  if (head === null || agentHead === null) throw skipped("the agent's head is not shown");
  if (subjectAction === undefined || coveringAnchor === undefined) {
    throw skipped('there is no anchored action to complete');
  }
  const claim = {
    index: head.leafIndex,
    size: head.leafCount,
    leafHash: leafHash(head.leaf),
    root: coveringAnchor.item.entry.agentHeadsRoot,
  };
  mustHold(verifyInclusion(claim, head.path), "the agent's head is not under the anchor");
  const { entry, index } = subjectAction.item;
  const session = evidence.sessionAt(entry.sessionIndex);
  const { agentId } = evidence.enrolmentOf(session).item.entry;
  mustHold(agentHead.agentId === agentId, `the head is of '${agentHead.agentId}'`);
  const { lastIndex, lastSequence } = agentHead;
  mustHold(
    lastIndex >= index && lastIndex < coveringAnchor.item.entry.size,
    "the agent's head is before the entry, or after its anchor",
  );
  const isSameSession = agentHead.sessionNumber === session.item.entry.sessionNumber;
  const isInOrder = isSameSession
    ? lastSequence - entry.sequence <= lastIndex - index &&
      lastSequence > entry.sequence === lastIndex > index &&
      lastSequence >= entry.sequence
    : lastIndex > index;
  mustHold(isInOrder, "the agent's head contradicts the entry's place in its session");
  return `the agent's last action at that anchor was entry ${agentHead.lastIndex}`;
}

async function eachAnchor(
  { anchors }: Evidence,
  check: (anchor: Anchor) => string | Promise<string>,
): Promise<string> {
  if (anchors.length === 0) throw skipped('no anchor is here');
  const texts = await Promise.all(anchors.map(async (anchor) => check(anchor)));
  return texts.join('; ');
}

function attestsOf({ left, right, counter, quote, extend }: Anchor): AnchorAttest[] {
  return [left, right, counter, quote, extend].filter((attest) => attest !== null);
}

function requireQualifier({ name, attest }: AnchorAttest, wanted: Uint8Array, index: bigint): void {
  const isBound = equalBytes(attest.extraData, wanted);
  mustHold(isBound, `${name} of anchor ${index} attests something else than this anchor`);
}

/** Resets first, then restarts, then milliseconds: what the TPM itself never takes back. */
function compareClocks(left: ClockReading, right: ClockReading): number {
  const order = compareBoots(left, right);
  if (order !== 0) return order;
  return left.clockMs < right.clockMs ? -1 : left.clockMs > right.clockMs ? 1 : 0;
}

/** To its predecessor as far as that is here: an anchor, or what operators ordered between them. */
function requireLinked(evidence: Evidence, anchor: Anchor, counterBase: number): void {
  const { previousAnchorIndex } = anchor.item.entry;
  const [restore] = evidence.restoresFrom(previousAnchorIndex);
  if (restore !== undefined) {
    requireRestored(restore, anchor);
    return;
  }
  requireFirst(anchor, counterBase);
  const predecessor = evidence.anchors.find(({ item }) => item.index === previousAnchorIndex);
  if (predecessor !== undefined) requireSuccessor(predecessor, anchor);
}

function requireFirst({ item }: Anchor, counterBase: number): void {
  const { anchorSequence, previousAnchorIndex, previousAnchorLeafHash, kind } = item.entry;
  const isFirst = anchorSequence === 0n;
  mustHold(
    isFirst === (previousAnchorIndex === null) &&
      isFirst === equalBytes(previousAnchorLeafHash, ZERO_HASH),
    `anchor ${item.index}: only the first anchor has no predecessor`,
  );
  mustHold(
    !isFirst || (kind === 'counter-anchor' && item.entry.counterExpected > BigInt(counterBase)),
    `anchor ${item.index}: the first anchor does not count`,
  );
  mustHold(
    previousAnchorIndex === null || previousAnchorIndex < item.index,
    `anchor ${item.index} has a predecessor after it`,
  );
}

function requireSuccessor(before: Anchor, after: Anchor): void {
  const [old, { item }] = [before.item, after];
  const { entry } = item;
  const step = entry.kind === 'counter-anchor' ? 1n : 0n;
  mustHold(
    entry.anchorSequence === old.entry.anchorSequence + 1n &&
      entry.size >= old.entry.size &&
      (entry.size > old.entry.size || equalBytes(entry.root, old.entry.root)) &&
      equalBytes(entry.previousAnchorLeafHash, old.leafHash),
    `anchor ${item.index} does not follow anchor ${old.index}`,
  );
  mustHold(
    entry.counterExpected === old.entry.counterExpected + step,
    `in anchor ${item.index} the counter went from ${old.entry.counterExpected} ` +
      `to ${entry.counterExpected}`,
  );
}
