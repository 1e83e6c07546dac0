// One open TPM seen as a queue: requests run in order on the native owner thread, each with a
// deadline. A connection that has lost a command is finished; open a new one.

import { type NativeDevice, type NativeReply, makeNativeDevice } from './addon.ts';
import { TpmError, type TpmFailure } from './tpm-error.ts';

/** Options of every operation. */
export interface CallOptions {
  /** From now until the answer, waiting in the queue included. Default: the connection's. */
  readonly timeoutMs?: number;
  /**
   * TPM sessions in the order of the command's authorisations; where one is missing, the password
   * session with the value given to `setAuth` is used. Further sessions encrypt parameters.
   */
  readonly sessions?: readonly SessionHandle[];
}

declare const handle: unique symbol;
/** A key or NV index as ESYS knows it; of one connection only. */
export type ObjectHandle = number & { readonly [handle]: 'object' };
/** A TPM session; of one connection only. */
export type SessionHandle = number & { readonly [handle]: 'session' };

export type Input = number | Uint8Array;

/** Calls that may wait at a time; more are refused, so that a slow TPM cannot fill the memory. */
export const queuedCallsMax = 256;

/**
 * The native side ends a call at its deadline itself where the transport lets it. A transport that
 * cannot be interrupted (swtpm's) is given up this much later.
 */
const graceMs = 100;

/** Operations that change lasting state: after an unknown outcome, read before repeating. */
const changing: ReadonlySet<string> = new Set([
  'clear',
  'dictionaryAttackLockReset',
  'dictionaryAttackParameters',
  'evictControl',
  'hierarchyChangeAuth',
  'nvDefineSpace',
  'nvExtend',
  'nvIncrement',
  'nvUndefineSpace',
  'pcrExtend',
  'shutdown',
  'startup',
]);

const failures = {
  argument: 'argument',
  lost: 'lost',
  deadline: 'deadline',
  code: 'transport',
} as const satisfies Record<string, TpmFailure>;

export class Connection {
  readonly #device: NativeDevice = makeNativeDevice();
  readonly #defaultTimeoutMs: number;
  #pending = 0;
  #closed = false;

  private constructor(defaultTimeoutMs: number) {
    this.#defaultTimeoutMs = defaultTimeoutMs;
  }

  static async open(tcti: string, timeoutMs: number): Promise<Connection> {
    const connection = new Connection(timeoutMs);
    try {
      await connection.run('open', [new TextEncoder().encode(tcti)]);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** Runs one operation of native/src/core/tpm/operations.h; throws TpmError. */
  async run(
    operation: string,
    inputs: readonly Input[],
    options: CallOptions = {},
  ): Promise<Results> {
    const timeoutMs = options.timeoutMs ?? this.#defaultTimeoutMs;
    this.#refuseUnfit(operation, inputs, timeoutMs);
    this.#pending += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<NativeReply>((resolve) => {
      timer = setTimeout(() => resolve(lateReply), timeoutMs + graceMs);
    });
    try {
      const answer = this.#device.run(operation, inputs, options.sessions ?? [], timeoutMs);
      const reply = await Promise.race([answer, late]);
      if (reply === lateReply) this.close();
      if (reply.reason !== 'done') throw failed(operation, reply.reason, reply);
      return new Results(reply.results);
    } finally {
      clearTimeout(timer);
      this.#pending -= 1;
    }
  }

  /** Interrupts what runs; calls that wait fail with `lost`. Sends nothing to the TPM. */
  close(): void {
    this.#closed = true;
    this.#device.close();
  }

  #refuseUnfit(operation: string, inputs: readonly Input[], timeoutMs: number): void {
    const refuse = (failure: TpmFailure, text: string): never => {
      throw new TpmError({ operation, failure, code: 0, text, mayHaveChanged: false });
    };
    if (this.#closed) refuse('lost', 'the TPM connection was closed');
    if (this.#pending >= queuedCallsMax)
      refuse('queue-full', `${queuedCallsMax} calls wait already`);
    if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 86_400_000) {
      refuse('argument', `timeout of '${timeoutMs}' ms is not in 1 .. 86400000`);
    }
    for (const input of inputs) {
      if (typeof input !== 'number') continue;
      if (!Number.isInteger(input) || input < 0 || input > 0xffffffff) {
        refuse('argument', `number '${input}' does not fit 32 bits`);
      }
    }
  }
}

const lateReply: NativeReply = {
  reason: 'deadline',
  code: 0,
  text: 'the TPM did not answer in time, and the transport cannot be interrupted',
  mayHaveChanged: true,
  results: [],
};

function failed(
  operation: string,
  reason: Exclude<NativeReply['reason'], 'done'>,
  reply: NativeReply,
): TpmError {
  const refused = reason === 'code' && !reply.mayHaveChanged && (reply.code & 0xff0000) === 0;
  return new TpmError({
    operation,
    failure: refused ? 'refused' : failures[reason],
    code: reply.code,
    text: reason === 'deadline' && reply.code !== 0 ? 'no answer before the deadline' : reply.text,
    mayHaveChanged: reply.mayHaveChanged && changing.has(operation),
  });
}

/** What an operation gave, taken in order. */
export class Results {
  readonly #values: readonly Input[];
  #next = 0;

  constructor(values: readonly Input[]) {
    this.#values = values;
  }

  number(): number {
    const value = this.#values[this.#next++];
    if (typeof value !== 'number') throw new TypeError('the addon gave no number here');
    return value;
  }

  bytes(): Uint8Array {
    const value = this.#values[this.#next++];
    if (!(value instanceof Uint8Array)) throw new TypeError('the addon gave no bytes here');
    return value;
  }

  object(): ObjectHandle {
    return this.number() as ObjectHandle;
  }
}
