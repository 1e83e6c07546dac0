/** What a submitter gets back. */
import type { Reference } from '@kudurru/proof';

import type { Salts } from './action.ts';
import { AgentError } from './agent-error.ts';
import type { AnchoredReceipt } from './anchored-receipt.ts';
import type { Committed } from './messages.ts';
import type { Submission } from './submission.ts';

export interface ActionReceipt {
  /** Names the action for ever: in envelopes (`intent`, `parents`) and in searches. */
  readonly reference: Reference;
  /** Index of the action's entry in the log. */
  readonly index: bigint;
  /** Salts of its commitments by field: with one, its bytes can be shown to anyone. */
  readonly salts: Salts;
}

/**
 * The ledger's promise that the actions are durable. Unsigned: what binds the ledger towards others
 * is `anchored`.
 */
export interface Receipt {
  /** In the order they were submitted. */
  readonly actions: readonly [ActionReceipt, ...ActionReceipt[]];
  /** Index of the statement's entry. */
  readonly statementIndex: bigint;
  /** Tree right after the group of statements this one was made durable in. */
  readonly treeSize: bigint;
  readonly root: Uint8Array;
  /** When the ledger received the submission, nanoseconds since 1970 TAI. */
  readonly taiNs: bigint;
  /** Present when it was asked for and came. */
  readonly anchored: AnchoredReceipt | null;
}

export function receiptOf(
  submission: Submission,
  committed: Committed,
  salts: readonly Salts[],
): Receipt {
  const { sessionId, firstSequence } = submission;
  const [first, ...others] = salts.map((ofAction, offset) => ({
    reference: { session: sessionId, sequence: firstSequence + BigInt(offset) },
    index: committed.firstIndex + 1n + BigInt(offset),
    salts: ofAction,
  }));
  if (first === undefined) throw AgentError.own('protocol-violation', 'a receipt for no action');
  return {
    actions: [first, ...others],
    statementIndex: committed.firstIndex,
    treeSize: committed.treeSize,
    root: committed.root,
    taiNs: committed.taiNs,
    anchored: null,
  };
}
