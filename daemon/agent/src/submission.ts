/**
 * Actions made ready for the wire, in two steps: the part that does not depend on the session
 * (envelopes, salts, bodies, root), and the statement that puts it at its place (SPEC §5).
 */
import {
  encodeSign1,
  encodeStatementPayload,
  LARGE_BODY_SIZE_BYTES_MAX,
  sign1Message,
  STATEMENT_TYPE,
  statementHash,
} from '@kudurru/proof';

import { AgentError } from './agent-error.ts';
import type { SigningKey } from './key.ts';
import {
  isLarge,
  submitFrame,
  type Body,
  type Limits,
  type ReceiptLevel,
  type SessionHead,
} from './messages.ts';

export interface Prepared {
  readonly envelopes: readonly Uint8Array[];
  readonly bodies: readonly Body[];
  /** RFC 6962 root over the envelopes. */
  readonly root: Uint8Array;
}

/** A signed statement at its place, ready to be sent any number of times. */
export interface Submission {
  readonly prepared: Prepared;
  readonly sessionId: Uint8Array;
  readonly firstSequence: bigint;
  readonly statement: Uint8Array;
  /** The submit frame. The chunks of its large bodies go before it. */
  readonly frame: Uint8Array;
  readonly headBefore: SessionHead;
  readonly headAfter: SessionHead;
}

/** Who signs, for which ledger and session. */
export interface Signer {
  readonly key: SigningKey;
  readonly ledgerId: Uint8Array;
  readonly sessionId: Uint8Array;
}

/** Throws where the ledger is bound to refuse. @throws AgentError `submission-invalid` */
export function requireWithin(limits: Limits, { envelopes, bodies }: Prepared): void {
  if (envelopes.length === 0 || envelopes.length > limits.actionsMax) {
    throw invalid(`${envelopes.length} actions, and a submission has 1 to ${limits.actionsMax}`);
  }
  for (const body of bodies) {
    const { offset, bytes } = body;
    const most = isLarge(body) ? LARGE_BODY_SIZE_BYTES_MAX : limits.bodySizeBytesMax;
    if (bytes.length > most) {
      throw invalid(
        `a body of ${bytes.length} bytes in action ${offset}, and the ledger takes ${most}; ` +
          `deposit: false commits to it without handing it over`,
      );
    }
  }
  const largeCount = bodies.filter(isLarge).length;
  if (largeCount > LARGE_BODIES_MAX) {
    throw invalid(
      `${largeCount} bodies over ${limits.bodySizeBytesMax} bytes, and a submission has at most ` +
        `${LARGE_BODIES_MAX}: submit fewer actions at once`,
    );
  }
  const sizeBytes =
    STATEMENT_ROOM_BYTES +
    sum(envelopes.map((envelope) => envelope.length + ITEM_ROOM_BYTES)) +
    sum(bodies.map((body) => (isLarge(body) ? 0 : body.bytes.length) + BODY_ROOM_BYTES));
  if (sizeBytes > limits.frameSizeBytesMax) {
    throw invalid(
      `about ${sizeBytes} bytes, and the ledger takes ${limits.frameSizeBytesMax} in one frame: ` +
        `submit fewer actions at once`,
    );
  }
}

/** Signs `prepared` as what follows `head` in the session of `signer`. */
export function signSubmission(
  prepared: Prepared,
  at: { readonly head: SessionHead; readonly level: ReceiptLevel },
  signer: Signer,
): Submission {
  const { head, level } = at;
  const { envelopes, bodies, root } = prepared;
  const payload = encodeStatementPayload({
    version: 1,
    ledgerId: signer.ledgerId,
    sessionId: signer.sessionId,
    firstSequence: head.nextSequence,
    previousStatementHash: head.previousStatementHash,
    actionCount: envelopes.length,
    root,
  });
  const statement = signCose(signer.key, { type: STATEMENT_TYPE, payload });
  return {
    prepared,
    sessionId: signer.sessionId,
    firstSequence: head.nextSequence,
    statement,
    frame: submitFrame({ statement, envelopes, bodies, level }),
    headBefore: head,
    headAfter: {
      nextSequence: head.nextSequence + BigInt(envelopes.length),
      previousStatementHash: statementHash(statement),
    },
  };
}

/** COSE_Sign1 of `payload` by `key` (SPEC §2.2). */
export function signCose(
  key: SigningKey,
  { type, payload }: { readonly type: string; readonly payload: Uint8Array },
): Uint8Array {
  const content = { algorithm: key.publicKey.algorithm, keyId: key.keyId, type, payload };
  return encodeSign1({ ...content, signature: key.sign(sign1Message(content)) });
}

/** Bodies of one submission that are too long for its frame (SPEC §6). */
const LARGE_BODIES_MAX = 16;
/** COSE_Sign1 of a statement with its frame's own framing; the true size is about 350 bytes. */
const STATEMENT_ROOM_BYTES = 512;
/** CBOR head of a byte string. */
const ITEM_ROOM_BYTES = 9;
/** CBOR around a body: array, offset, field, salt, and the head of its bytes. */
const BODY_ROOM_BYTES = 64;

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function invalid(reason: string): AgentError {
  return AgentError.own('submission-invalid', `submission not sent: ${reason}`);
}
