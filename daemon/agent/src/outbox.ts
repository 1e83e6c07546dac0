/**
 * The order of a session's submissions, without any I/O: what waits, what is sent and not answered,
 * what is committed and not yet anchored, and what happens to each when an answer comes or the
 * connection goes.
 *
 * Invariants. A statement is signed when it is sent, never before: its place follows from the one
 * before it. A signed statement that may stand in the ledger is only ever sent again byte for byte.
 * A refused one does not stand, and so none of those sent after it do: all answers are awaited
 * first, then these are signed anew at the places that are free. The chunks of large bodies go
 * right before their statement, on the same connection, unless the ledger has it already.
 */
import { equalBytes } from '@kudurru/proof';

import { AgentError } from './agent-error.ts';
import {
  bodyChunkFrames,
  isLarge,
  type Committed,
  type ReceiptLevel,
  type Refused,
  type SessionHead,
} from './messages.ts';
import type { Prepared, Submission } from './submission.ts';

/** A promise of this library's caller, seen from inside. */
export interface Waiter {
  readonly prepared: Prepared;
  readonly level: ReceiptLevel;
  /** The ledger has it; for level 1 this is the end. */
  committed(submission: Submission, receipt: Committed): void;
  failed(error: AgentError): void;
}

/** Signs `prepared` at `head`. */
export type Sign = (prepared: Prepared, head: SessionHead, level: ReceiptLevel) => Submission;

interface Item {
  readonly waiter: Waiter;
  submission: Submission | null;
  receipt: Committed | null;
}

export class Outbox {
  readonly #sign: Sign;
  /** Not signed yet, or to be signed anew. */
  #queue: Item[] = [];
  /** Signed, to be sent again on this connection before anything of the queue. */
  #again: Item[] = [];
  /** Sent on this connection, answer due, in order. */
  #awaited: Item[] = [];
  /** What is still to be sent of the last of them: chunks, then its frame. */
  #sending: Iterator<Uint8Array, undefined> | null = null;
  /** Committed; the anchored receipt was asked for and is due. By first sequence. */
  readonly #unanchored = new Map<bigint, Item>();
  /** After the last signed statement. */
  #head: SessionHead | null = null;
  /** Where a refusal left the session, while answers to later statements are still due. */
  #rewindTo: SessionHead | null = null;
  #requeuedCount = 0;
  /** Heads that statements given up by their senders may have left in the ledger. */
  #givenUpHeads: SessionHead[] = [];
  /** Where the ledger took the session up again: statements before it stand. */
  #resumedAt = 0n;

  constructor(sign: Sign) {
    this.#sign = sign;
  }

  /** Whether anybody waits for anything. */
  get isIdle(): boolean {
    return this.#unsettled.length === 0;
  }

  /** Whether an answer is due on this connection. */
  get isAwaiting(): boolean {
    return this.#awaited.length > 0;
  }

  /** Whether what was begun is still to be sent in part. */
  get isSending(): boolean {
    return this.#sending !== null;
  }

  add(waiter: Waiter): void {
    this.#queue.push({ waiter, submission: null, receipt: null });
  }

  /** The next frame to send, or null when nothing may be sent now. */
  next(inFlightMax: number): Uint8Array | null {
    const frame = this.#sending?.next().value;
    if (frame !== undefined) return frame;
    this.#sending = null;
    if (this.#head === null || this.#rewindTo !== null) return null;
    if (this.#awaited.length >= inFlightMax) return null;
    const repeated = this.#again.shift();
    const item = repeated ?? this.#queue.shift();
    if (item === undefined) return null;
    if (item.submission === null) {
      item.submission = this.#sign(item.waiter.prepared, this.#head, item.waiter.level);
      this.#head = item.submission.headAfter;
    }
    this.#awaited.push(item);
    this.#sending = this.#framesOf(item.submission);
    return this.next(inFlightMax);
  }

  /** @throws AgentError `protocol-violation`, `ledger-inconsistent` */
  onCommitted(receipt: Committed): void {
    const { item, submission } = this.#answered(receipt.firstSequence);
    checkReceipt(receipt, submission, item.receipt);
    this.#awaited.shift();
    this.#givenUpHeads = [];
    const isFirst = item.receipt === null;
    item.receipt = receipt;
    if (item.waiter.level === 2) this.#unanchored.set(receipt.firstSequence, item);
    if (isFirst) item.waiter.committed(submission, receipt);
  }

  /** The submission whose anchored receipt came, or null when nobody waits for it any more. */
  unanchoredAt(firstSequence: bigint): { submission: Submission; receipt: Committed } | null {
    const item = this.#unanchored.get(firstSequence);
    if (item?.submission == null || item.receipt === null) return null;
    return { submission: item.submission, receipt: item.receipt };
  }

  /** Its anchored receipt was checked: nobody waits for it any more. */
  onAnchored(firstSequence: bigint): void {
    this.#unanchored.delete(firstSequence);
  }

  /** @throws AgentError `protocol-violation`, `ledger-inconsistent` */
  onRefused(refusal: Refused & { readonly firstSequence: bigint }): void {
    // The ledger ends next; its recovery decides what stands, and the same bytes are sent again.
    if (refusal.retry === 'restart') return;
    const { item, submission } = this.#answered(refusal.firstSequence);
    if (item.receipt !== null) {
      throw AgentError.own(
        'ledger-inconsistent',
        `the ledger refuses a statement it had committed at index ${item.receipt.firstIndex}: ` +
          `${refusal.code}: ${refusal.message}`,
      );
    }
    this.#awaited.shift();
    if (this.#rewindTo === null) {
      this.#rewindTo = submission.headBefore;
      item.waiter.failed(AgentError.ofLedger(refusal));
    } else {
      this.#requeue([item]);
    }
    if (this.#awaited.length === 0) this.#rewind();
  }

  /** The connection is gone. What was not answered is kept, to be sent again. */
  disconnected(): void {
    if (this.#rewindTo !== null) {
      // They continue a statement that does not stand, so neither do they.
      this.#requeue(this.#awaited.splice(0));
      this.#rewind();
    }
    const committed = [...this.#unanchored.values()];
    this.#unanchored.clear();
    const known = new Set(committed);
    this.#again = [...committed, ...this.#awaited, ...this.#again.filter((it) => !known.has(it))];
    this.#awaited = [];
    this.#sending = null;
  }

  /**
   * The session was opened at `head`, or taken up there again.
   * @throws AgentError `ledger-inconsistent` when the ledger's place is none that we can have left
   */
  opened(head: SessionHead): void {
    if (this.#head === null) {
      this.#head = head;
      return;
    }
    this.#resumedAt = head.nextSequence;
    const possible = this.#possibleHeads();
    if (!possible.some((candidate) => isSameHead(candidate, head))) {
      throw AgentError.own(
        'ledger-inconsistent',
        `the ledger takes the session up at sequence ${head.nextSequence}, ` +
          `after another statement than the one signed there`,
      );
    }
    if (this.#again.every((item) => item.receipt !== null)) this.#head = head;
    this.#givenUpHeads = [];
  }

  /** The session cannot be taken up again: what was signed for it is lost to its senders. */
  sessionLost(error: AgentError): void {
    const signed = [...this.#again, ...this.#awaited, ...this.#unanchored.values()];
    this.#forget();
    this.#head = null;
    this.#resumedAt = 0n;
    for (const item of signed) item.waiter.failed(error);
  }

  /** Nobody waits any longer: all senders are told `error`, and nothing is sent again. */
  giveUp(error: AgentError): void {
    const unsettled = this.#unsettled;
    this.#givenUpHeads = this.#head === null ? [] : this.#possibleHeads();
    this.#forget();
    this.#queue = [];
    for (const item of unsettled) item.waiter.failed(error);
  }

  get #unsettled(): Item[] {
    return [...this.#again, ...this.#awaited, ...this.#unanchored.values(), ...this.#queue];
  }

  /** Puts items back to the front of the queue, behind those put back before them. */
  #requeue(items: readonly Item[]): void {
    for (const item of items) item.submission = null;
    this.#queue.splice(this.#requeuedCount, 0, ...items);
    this.#requeuedCount += items.length;
  }

  #rewind(): void {
    this.#requeue(this.#again.filter((item) => item.receipt === null));
    this.#again = this.#again.filter((item) => item.receipt !== null);
    this.#head = this.#rewindTo;
    this.#rewindTo = null;
    this.#requeuedCount = 0;
  }

  *#framesOf(submission: Submission): Generator<Uint8Array, undefined> {
    const stands = submission.firstSequence < this.#resumedAt;
    const chunked = stands ? [] : submission.prepared.bodies.filter(isLarge);
    for (const body of chunked) yield* bodyChunkFrames(body);
    yield submission.frame;
  }

  #forget(): void {
    this.#again = [];
    this.#awaited = [];
    this.#sending = null;
    this.#unanchored.clear();
    this.#rewindTo = null;
    this.#requeuedCount = 0;
  }

  #possibleHeads(): SessionHead[] {
    const heads = [...this.#givenUpHeads];
    if (this.#rewindTo !== null) heads.push(this.#rewindTo);
    else if (this.#head !== null) heads.push(this.#head);
    for (const { submission, receipt } of [...this.#again, ...this.#awaited]) {
      if (submission !== null && receipt === null) heads.push(submission.headBefore);
      if (submission !== null && receipt === null) heads.push(submission.headAfter);
    }
    return heads;
  }

  /** What the answer is about; it stays in its place until the answer was believed. */
  #answered(firstSequence: bigint): { item: Item; submission: Submission } {
    const item = this.#awaited[0];
    const submission = item?.submission;
    if (item === undefined || submission == null || submission.firstSequence !== firstSequence) {
      throw AgentError.own(
        'protocol-violation',
        `the ledger answers sequence ${firstSequence}, which is not the one it owes an answer to`,
      );
    }
    return { item, submission };
  }
}

function checkReceipt(receipt: Committed, submission: Submission, earlier: Committed | null): void {
  const last = receipt.firstIndex + BigInt(submission.prepared.envelopes.length);
  if (receipt.count !== submission.prepared.envelopes.length || receipt.treeSize <= last) {
    throw AgentError.own(
      'ledger-inconsistent',
      `receipt not believed: ${receipt.count} actions from index ${receipt.firstIndex} in a tree ` +
        `of ${receipt.treeSize} are not the ${submission.prepared.envelopes.length} submitted`,
    );
  }
  if (earlier === null) return;
  const isSame =
    earlier.firstIndex === receipt.firstIndex &&
    earlier.treeSize === receipt.treeSize &&
    equalBytes(earlier.root, receipt.root);
  if (isSame) return;
  throw AgentError.own(
    'ledger-inconsistent',
    `the ledger gives another receipt for sequence ${receipt.firstSequence}: index ` +
      `${earlier.firstIndex} in a tree of ${earlier.treeSize} before, index ` +
      `${receipt.firstIndex} in a tree of ${receipt.treeSize} now`,
  );
}

function isSameHead(left: SessionHead, right: SessionHead): boolean {
  return (
    left.nextSequence === right.nextSequence &&
    equalBytes(left.previousStatementHash, right.previousStatementHash)
  );
}
