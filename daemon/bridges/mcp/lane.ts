/**
 * One direction of the proxy: lines of one side, committed where they must be, and handed on in the
 * order they came. Commits of many lines are under way at once; a line waits for its own and for
 * the lines before it, and for nothing else.
 */
import type { Readable, Writable } from 'node:stream';

import { AgentError, type ActionReceipt } from '@kudurru/agent';

import { linesOf } from './line-reader.ts';
import {
  errorAnswer,
  MalformedLineError,
  parseLine,
  RPC_CODE,
  type Line,
  type Message,
} from './message.ts';
import {
  plainStep,
  type Instead,
  type Ledger,
  type Reason,
  type Recorder,
  type Step,
} from './recorder.ts';
import type { Side } from './recorded.ts';

/** Lines that were read and not handed on; above it no more are read. */
const LINES_WAITING_MAX = 256;

export interface LaneOptions {
  readonly from: Side;
  readonly source: Readable;
  /** Where lines are handed on to. */
  readonly onward: Writable;
  /** Where their sender is answered. */
  readonly back: Writable;
  /** Requests of this lane's sender; answers to the other side's. */
  readonly requests: Recorder;
  readonly answers: Recorder;
  readonly ledger: Ledger;
  readonly say: (line: string) => void;
}

/** What is written when a line's turn has come. */
interface Output {
  readonly onward: Buffer | null;
  readonly back: Buffer | null;
}

export class Lane {
  readonly #options: LaneOptions;
  #waiting = 0;
  #room = Promise.withResolvers<void>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Ends when the source has, and every line of it was dealt with. @throws LineTooLongError */
  async run(): Promise<void> {
    try {
      for await (const bytes of linesOf(this.#options.source)) {
        this.#queue(this.#output(bytes));
        while (this.#waiting >= LINES_WAITING_MAX) await this.#room.promise;
      }
    } finally {
      await this.#turn;
    }
  }

  #queue(output: Promise<Output>): void {
    this.#waiting += 1;
    this.#turn = Promise.all([output, this.#turn]).then(async ([{ onward, back }]) => {
      if (onward !== null) await write(this.#options.onward, onward);
      if (back !== null) await write(this.#options.back, back);
      this.#waiting -= 1;
      this.#room.resolve();
      this.#room = Promise.withResolvers<void>();
    });
    this.#turn.catch((error: Error) => this.#options.source.destroy(error));
  }

  async #output(bytes: Buffer): Promise<Output> {
    let line: Line | null;
    try {
      line = parseLine(bytes);
    } catch (error) {
      if (error instanceof MalformedLineError) return this.#malformed(error);
      throw error;
    }
    if (line === null) return { onward: bytes, back: null };
    const steps = line.messages.map((message) => this.#stepOf(message));
    const reason = refusalAmong(steps) ?? (await this.#commit(steps));
    return reason === null ? { onward: bytes, back: null } : this.#instead(line, steps, reason);
  }

  #stepOf(message: Message): Step {
    const { requests, answers } = this.#options;
    if (message.kind === 'request') return requests.request(message);
    if (message.kind === 'response') return answers.response(message);
    if (message.method === 'notifications/cancelled') requests.cancelled(message.value['params']);
    return plainStep();
  }

  /** Commits what a line needs, in one statement. Null when that is done, else why not. */
  async #commit(steps: readonly Step[]): Promise<Reason | null> {
    const actions = steps.flatMap(({ action }) => (action === null ? [] : [action]));
    let receipts: readonly ActionReceipt[] = [];
    try {
      if (actions.length > 0) receipts = (await this.#options.ledger.submit(actions)).actions;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const { code, retry } = error;
      const message = `not recorded: ${code}: ${error.message}`;
      this.#options.say(`a line of the ${this.#options.from} is held back: ${message}`);
      return { rpcCode: RPC_CODE.notRecorded, message, code, retry };
    }
    let next = 0;
    for (const step of steps) {
      step.committed(step.action === null ? null : (receipts[next++] ?? null));
    }
    return null;
  }

  #instead(line: Line, steps: readonly Step[], reason: Reason): Output {
    const instead = steps.flatMap((step) => step.failed(reason) ?? []);
    const answersTo = (to: Instead['to']): Buffer | null => {
      const answers = instead.filter((one) => one.to === to).map(({ answer }) => answer);
      if (answers.length === 0) return null;
      return lineOf(line.isBatch ? answers : answers[0]);
    };
    if (instead.length === 0)
      this.#options.say(`a line of the ${this.#from} is dropped: ${reason.message}`);
    return { onward: answersTo('receiver'), back: answersTo('sender') };
  }

  /** What cannot be read cannot be recorded. Only a client is told: it may have asked something. */
  #malformed({ rpcCode, message }: MalformedLineError): Output {
    this.#options.say(`a line of the ${this.#from} is dropped: ${message}`);
    if (this.#from === 'server') return { onward: null, back: null };
    return { onward: null, back: lineOf(errorAnswer(null, { code: rpcCode, message })) };
  }

  get #from(): Side {
    return this.#options.from;
  }
}

function refusalAmong(steps: readonly Step[]): Reason | null {
  const message = steps.find(({ refusal }) => refusal !== null)?.refusal;
  if (message === undefined || message === null) return null;
  return { rpcCode: RPC_CODE.invalid, message, code: 'message-refused', retry: 'never' };
}

export function lineOf(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Waits for room where there is none. A stream that is gone takes everything in silence. */
async function write(stream: Writable, bytes: Buffer): Promise<void> {
  if (!stream.writable || stream.write(bytes)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  stream.once('drain', done).once('close', done);
  await promise;
  stream.off('drain', done).off('close', done);
}
