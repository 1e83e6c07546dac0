/**
 * Anchored receipts (SPEC §10): checked against what was submitted and what was promised, and the
 * newest one kept. Held outside the appliance it contradicts every other history of the ledger, so
 * it is worth more than all receipts before it, and one is enough.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

import {
  decodeAnchoredReceipt,
  decodeEntry,
  encodeCbor,
  equalBytes,
  isAnchorEntry,
  leafHash,
  parseCheckpoint,
  parseVerifierKey,
  ProofError,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
  type CborValue,
  type Checkpoint,
  type LocatedEntry,
  type TreeHead,
  type VerifierKey,
} from '@kudurru/proof';

import { AgentError } from './agent-error.ts';
import type { Committed } from './messages.ts';
import type { Submission } from './submission.ts';

export interface AnchoredReceipt {
  /** The signed note. */
  readonly checkpoint: Uint8Array;
  readonly head: TreeHead;
  /** The tree that the TPM attested. */
  readonly anchoredTree: { readonly size: bigint; readonly root: Uint8Array };
  readonly anchor: LocatedEntry;
  readonly statement: LocatedEntry;
  /** Whether the log's signature was checked; it is when the agent was given the log's key. */
  readonly isSignatureChecked: boolean;
  /** The whole receipt as it goes to a file: deterministic CBOR (SPEC §10). */
  readonly bytes: Uint8Array;
}

/** What the receipt must be about. */
export interface Expectation {
  readonly origin: string;
  readonly submission: Submission;
  readonly committed: Committed;
}

export interface AnchoredReceiptsOptions {
  readonly logKey?: string;
  readonly receiptFile?: string;
}

const RECEIPT_SIZE_BYTES_MAX = 4_194_304;
const FILE_MODE = 0o600;

export class AnchoredReceipts {
  readonly #logKey: VerifierKey | null;
  readonly #file: string | null;
  #newest: AnchoredReceipt | null;

  /** @throws AgentError `receipt-not-kept`, `ledger-inconsistent` for a file that does not hold */
  constructor({ logKey, receiptFile }: AnchoredReceiptsOptions) {
    this.#logKey = logKey === undefined ? null : parseVerifierKey(logKey);
    this.#file = receiptFile ?? null;
    const kept = this.#file === null ? null : readKept(this.#file);
    this.#newest = kept === null ? null : believed(() => this.#parse(kept));
  }

  get newest(): AnchoredReceipt | null {
    return this.#newest;
  }

  /**
   * Checks what the ledger pushed, and keeps it when it is the newest.
   * @throws AgentError `ledger-inconsistent`, `receipt-not-kept`
   */
  accept(value: CborValue, expectation: Expectation): AnchoredReceipt {
    const receipt = believed(() => {
      const parsed = this.#parse(encodeCbor(value));
      requireExpected(parsed, expectation);
      return parsed;
    });
    const newest = this.#newest;
    if (newest !== null) requireSameRoot(receipt.head, newest.head);
    if (newest === null || receipt.head.size > newest.head.size) {
      if (this.#file !== null) keep(this.#file, receipt.bytes);
      this.#newest = receipt;
    }
    return receipt;
  }

  #parse(bytes: Uint8Array): AnchoredReceipt {
    const { checkpoint: note, anchor, statement, consistency } = decodeAnchoredReceipt(bytes);
    const checkpoint = parseCheckpoint(note);
    const { size, root } = anchoredTreeOf(anchor.entry);
    requireIncluded(anchor, checkpoint, 'anchor');
    requireIncluded(statement, checkpoint, 'statement');
    const { size: newSize, root: newRoot, origin } = checkpoint;
    if (!verifyConsistency({ oldSize: size, oldRoot: root, newSize, newRoot }, consistency)) {
      throw inconsistent(`the anchored tree of ${size} is no past of that of ${newSize}`);
    }
    if (statement.index >= size) throw inconsistent('the anchor does not cover the statement');
    return {
      checkpoint: note,
      head: { origin, size: newSize, root: newRoot },
      anchoredTree: { size, root },
      ...{ anchor, statement, bytes },
      isSignatureChecked: this.#checkSignature(checkpoint),
    };
  }

  #checkSignature(checkpoint: Checkpoint): boolean {
    if (this.#logKey === null) return false;
    const state = verifyNote(checkpoint.note, this.#logKey);
    if (state === 'valid') return true;
    throw inconsistent(`the signature of "${this.#logKey.name}" on the checkpoint is ${state}`);
  }
}

function requireExpected(receipt: AnchoredReceipt, expectation: Expectation): void {
  const { origin, submission, committed } = expectation;
  const { head, anchoredTree, statement } = receipt;
  if (head.origin !== origin) throw inconsistent(`the checkpoint is of the log "${head.origin}"`);
  const entry = decodeEntry(statement.entry);
  if (entry.kind !== 'statement' || !equalBytes(entry.statement, submission.statement)) {
    throw inconsistent('the statement in the log is not the one that was signed');
  }
  if (statement.index !== committed.firstIndex) {
    throw inconsistent(
      `the statement stands at index ${statement.index}, and ${committed.firstIndex} was promised`,
    );
  }
  if (anchoredTree.size <= committed.firstIndex + BigInt(committed.count)) {
    throw inconsistent(`an anchored tree of ${anchoredTree.size} does not cover all its actions`);
  }
  const promised = { origin, size: committed.treeSize, root: committed.root };
  requireSameRoot(head, promised);
  requireSameRoot({ origin, ...anchoredTree }, promised);
}

/** Two heads of one size are one tree. Of different sizes they say nothing without a proof. */
function requireSameRoot(left: TreeHead, right: TreeHead): void {
  if (left.size === right.size && !equalBytes(left.root, right.root)) {
    throw inconsistent(`two different trees of size ${left.size} were shown to this agent`);
  }
}

function requireIncluded(located: LocatedEntry, checkpoint: Checkpoint, what: string): void {
  const { index, entry, path } = located;
  const { size, root } = checkpoint;
  if (verifyInclusion({ index, size, root, leafHash: leafHash(entry) }, path)) return;
  throw inconsistent(`the ${what} at index ${index} is not in the tree of ${size}`);
}

function anchoredTreeOf(bytes: Uint8Array): { size: bigint; root: Uint8Array } {
  const entry = decodeEntry(bytes);
  if (!isAnchorEntry(entry)) throw inconsistent(`an entry ${entry.kind} stands for an anchor`);
  return { size: entry.size, root: entry.root };
}

/** What does not even decode is believed as little as what contradicts. */
function believed<Value>(check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    if (error instanceof ProofError) throw inconsistent(error.message, error);
    throw error;
  }
}

/** The kept receipt's bytes, or null where none was kept yet. */
function readKept(file: string): Uint8Array | null {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(file));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw notKept(file, error);
  }
  if (bytes.length > RECEIPT_SIZE_BYTES_MAX) throw notKept(file, new Error('it is no receipt'));
  return bytes;
}

/** Replaces the file as a whole: a crash leaves the old receipt or the new one. */
function keep(file: string, bytes: Uint8Array): void {
  const next = `${file}.new`;
  try {
    const descriptor = openSync(next, 'w', FILE_MODE);
    try {
      writeSync(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(next, file);
  } catch (error) {
    throw notKept(file, error);
  }
}

function notKept(file: string, cause: unknown): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return AgentError.own('receipt-not-kept', `receipt file "${file}": ${reason}`, cause);
}

function inconsistent(reason: string, cause?: unknown): AgentError {
  return AgentError.own('ledger-inconsistent', `anchored receipt not believed: ${reason}`, cause);
}
