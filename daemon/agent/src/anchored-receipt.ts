/**
 * Anchored receipts (SPEC §10): checked against what was submitted and what was promised, and the
 * newest one kept. Held outside the appliance it contradicts every other history of the ledger, so
 * it is worth more than all receipts before it, and one is enough.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

import {
  encodeCbor,
  equalBytes,
  leafHash,
  parseCheckpoint,
  parseVerifierKey,
  ProofError,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
  type CborValue,
  type Checkpoint,
  type TreeHead,
  type VerifierKey,
} from '@kudurru/proof';

import { AgentError } from './agent-error.ts';
import type { Committed } from './messages.ts';
import { decodePayload, readArray, readBytes, readCount, readHash, readIndex } from './shape.ts';
import type { Submission } from './submission.ts';

/** An entry with its inclusion proof under the receipt's checkpoint. */
export interface LocatedEntry {
  readonly index: bigint;
  readonly entry: Uint8Array;
  readonly path: readonly Uint8Array[];
}

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

/** Positions in an entry (SPEC §7 and §9). */
const FIELD = { kind: 1, anchoredSize: 8, anchoredRoot: 9, statementBytes: 7 } as const;
const KIND = { statement: 6, anchor: 18, counterAnchor: 19 } as const;
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
    this.#newest = kept === null ? null : this.#parse(decodePayload(kept));
  }

  get newest(): AnchoredReceipt | null {
    return this.#newest;
  }

  /**
   * Checks what the ledger pushed, and keeps it when it is the newest.
   * @throws AgentError `ledger-inconsistent`, `receipt-not-kept`
   */
  accept(value: CborValue, expectation: Expectation): AnchoredReceipt {
    const receipt = this.#parse(value);
    requireExpected(receipt, expectation);
    const newest = this.#newest;
    if (newest !== null) requireSameRoot(receipt.head, newest.head);
    if (newest === null || receipt.head.size > newest.head.size) {
      if (this.#file !== null) keep(this.#file, receipt.bytes);
      this.#newest = receipt;
    }
    return receipt;
  }

  #parse(value: CborValue): AnchoredReceipt {
    const items = readArray(value, 4, 'anchored receipt');
    const bytes = readBytes(items[0], 'checkpoint');
    const checkpoint = parsed(bytes);
    const anchor = locatedOf(items[1], 'anchor');
    const statement = locatedOf(items[2], 'statement');
    const consistency = readPath(items[3], 'consistency path');
    const anchoredTree = anchoredTreeOf(anchor.entry);
    requireIncluded(anchor, checkpoint, 'anchor');
    requireIncluded(statement, checkpoint, 'statement');
    const { size: oldSize, root: oldRoot } = anchoredTree;
    const claim = { oldSize, oldRoot, newSize: checkpoint.size, newRoot: checkpoint.root };
    if (!verifyConsistency(claim, consistency)) {
      throw inconsistent(`the anchored tree of ${oldSize} is no past of that of ${claim.newSize}`);
    }
    if (statement.index >= oldSize) throw inconsistent('the anchor does not cover the statement');
    return {
      checkpoint: bytes,
      head: { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root },
      anchoredTree,
      anchor,
      statement,
      isSignatureChecked: this.#checkSignature(checkpoint),
      bytes: encodeCbor(value),
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
  const embedded = entryItems(statement.entry, KIND.statement)[FIELD.statementBytes];
  if (!equalBytes(readBytes(embedded, 'statement'), submission.statement)) {
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

function anchoredTreeOf(entry: Uint8Array): { size: bigint; root: Uint8Array } {
  const items = entryItems(entry, KIND.anchor, KIND.counterAnchor);
  return {
    size: readIndex(items[FIELD.anchoredSize], 'anchored size'),
    root: readHash(items[FIELD.anchoredRoot], 'anchored root'),
  };
}

function entryItems(entry: Uint8Array, ...kinds: readonly number[]): readonly CborValue[] {
  const items = readArray(decodePayload(entry), null, 'entry');
  const kind = readCount(items[FIELD.kind], 'kind of entry');
  if (!kinds.includes(kind)) throw inconsistent(`an entry of kind ${kind} stands for another`);
  return items;
}

function locatedOf(value: CborValue | undefined, what: string): LocatedEntry {
  const items = readArray(value, 3, what);
  return {
    index: readIndex(items[0], `index of the ${what}`),
    entry: readBytes(items[1], `entry of the ${what}`),
    path: readPath(items[2], `path of the ${what}`),
  };
}

function readPath(value: CborValue | undefined, what: string): Uint8Array[] {
  return readArray(value, null, what).map((hash) => readHash(hash, what));
}

function parsed(checkpoint: Uint8Array): Checkpoint {
  try {
    return parseCheckpoint(checkpoint);
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
