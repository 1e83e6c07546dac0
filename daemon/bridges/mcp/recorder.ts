/**
 * The requests of one side and the answers to them. A recorded request is handed on only after its
 * intent is durable in the ledger, an answer to it only after its outcome is. Where the ledger does
 * not commit, the one who waits is told so in place of the other's words.
 */
import type { Action, ActionReceipt } from '@kudurru/agent';

import type { Catalogue } from './catalogue.ts';
import {
  errorAnswer,
  isRecord,
  RPC_CODE,
  type MessageId,
  type RequestMessage,
  type ResponseMessage,
} from './message.ts';
import {
  isRecorded,
  outcomeOf,
  recordedOf,
  unknownOutcome,
  type Recorded,
  type Side,
} from './recorded.ts';

/** All that the proxy needs of the ledger. */
export interface Ledger {
  submit(actions: readonly Action[]): Promise<{ readonly actions: readonly ActionReceipt[] }>;
}

/** Requests of one side that wait for their answer. */
const OPEN_REQUESTS_MAX = 4096;

interface OpenRequest {
  readonly id: MessageId;
  readonly method: string;
  /** Null for a request that is not recorded. */
  readonly recorded: Recorded | null;
  reference: ActionReceipt['reference'] | null;
  handedOnNs: bigint;
  isCancelled: boolean;
}

/** A message on its way: what has to be committed before it is handed on, and what follows. */
export interface Step {
  /** Null where nothing has to be committed. */
  readonly action: Action | null;
  /** Why it cannot be handed on at all; null for one that can. */
  readonly refusal: string | null;
  /** Committed, or there was nothing to commit: it is handed on now. */
  committed(receipt: ActionReceipt | null): void;
  /** It is not handed on: what is said in its place, and to whom. Null where nobody waits. */
  failed(reason: Reason): Instead | null;
}

export interface Reason {
  readonly rpcCode: number;
  readonly message: string;
  /** The ledger's or the library's code. */
  readonly code: string;
  readonly retry: string;
}

export interface Instead {
  readonly to: 'sender' | 'receiver';
  readonly answer: object;
}

export interface RecorderOptions {
  /** Whose requests. */
  readonly side: Side;
  readonly catalogue: Catalogue;
  readonly say: (line: string) => void;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #open = new Map<string, OpenRequest>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Refused for an id that is in use, or too many requests at once. */
  request(message: RequestMessage): Step {
    const { id, method } = message;
    const place = JSON.stringify(id);
    const refusal = this.#refusalOf(place);
    if (refusal !== null) return refusedStep(refusal, (reason) => toSender(id, reason));
    const { side } = this.#options;
    const recorded = isRecorded(side, method) ? recordedOf(message, this.#options) : null;
    const open: OpenRequest = {
      ...{ id, method, recorded },
      ...{ reference: null, handedOnNs: process.hrtime.bigint(), isCancelled: false },
    };
    this.#open.set(place, open);
    return {
      action: recorded?.intent ?? null,
      refusal: null,
      committed: (receipt) => {
        open.reference = receipt?.reference ?? null;
        open.handedOnNs = process.hrtime.bigint();
      },
      failed: (reason) => {
        this.#open.delete(place);
        return toSender(id, reason);
      },
    };
  }

  /** The other side's answer. Refused when nobody waits for it. */
  response(message: ResponseMessage): Step {
    const place = JSON.stringify(message.id);
    const open = this.#open.get(place);
    if (open === undefined) return refusedStep(`nobody waits for an answer to ${place}`, noAnswer);
    this.#open.delete(place);
    this.#options.catalogue.learn(open.method, message.value['result']);
    const answered = answeredOf(open);
    return {
      action: answered === null ? null : outcomeOf(message, answered, this.#options),
      refusal: null,
      committed: nothing,
      failed: (reason) => toReceiver(message.id, reason),
    };
  }

  #refusalOf(place: string): string | null {
    if (this.#open.has(place)) return `id ${place} is in use`;
    if (this.#open.size < OPEN_REQUESTS_MAX) return null;
    return `${OPEN_REQUESTS_MAX} requests wait for their answers`;
  }

  /** `notifications/cancelled` names a request whose answer may never come. */
  cancelled(params: unknown): void {
    const place = isRecord(params) ? JSON.stringify(params['requestId']) : undefined;
    const open = place === undefined ? undefined : this.#open.get(place);
    if (open !== undefined) open.isCancelled = true;
  }

  /** The end: outcomes of what was never answered, and what its senders are told. */
  end(reason: string): { outcomes: Action[]; answers: object[] } {
    const left = [...this.#open.values()];
    this.#open.clear();
    return {
      outcomes: left.flatMap((open) => {
        const answered = answeredOf(open);
        const errorType = open.isCancelled ? 'cancelled' : reason;
        return answered === null ? [] : [unknownOutcome(answered, errorType, this.#options.side)];
      }),
      answers: left.map(({ id }) =>
        errorAnswer(id, {
          code: RPC_CODE.notRecorded,
          message: `no answer came (${reason}): the effect may have happened`,
        }),
      ),
    };
  }
}

/** Null for a request that is not recorded, or whose intent is not committed. */
function answeredOf(open: OpenRequest): {
  recorded: Recorded;
  reference: NonNullable<OpenRequest['reference']>;
  durationNs: bigint;
} | null {
  const { recorded, reference, handedOnNs } = open;
  if (recorded === null || reference === null) return null;
  return { recorded, reference, durationNs: process.hrtime.bigint() - handedOnNs };
}

/** A message that needs no commit and gets no answer. */
export function plainStep(): Step {
  return { action: null, refusal: null, committed: nothing, failed: noAnswer };
}

function refusedStep(refusal: string, failed: Step['failed']): Step {
  return { action: null, refusal, committed: nothing, failed };
}

function nothing(): void {
  // Nobody is told.
}

function noAnswer(): null {
  return null;
}

function toSender(id: MessageId, { rpcCode, message, code, retry }: Reason): Instead {
  const answer = errorAnswer(id, {
    code: rpcCode,
    message: `not forwarded: ${message}`,
    data: { code, retry, effect: 'none' },
  });
  return { to: 'sender', answer };
}

function toReceiver(id: MessageId, { message, code, retry }: Reason): Instead {
  const answer = errorAnswer(id, {
    code: RPC_CODE.notRecorded,
    message: `the outcome was not recorded, and the effect may have happened: ${message}`,
    data: { code, retry, effect: 'unknown' },
  });
  return { to: 'receiver', answer };
}
