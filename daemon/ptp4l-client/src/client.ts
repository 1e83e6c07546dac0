/**
 * A client of one ptp4l over its Unix socket: GET and subscriptions, nothing that changes a clock.
 *
 * It speaks under a random clock identity and port, with 0 boundary hops, from a socket of its own;
 * what comes is judged by acceptance.ts, and what is not accepted is told with its bytes.
 */
import { randomBytes, randomInt } from 'node:crypto';

import { NativeError, openDatagramSocket } from '@kudurru/native';
import type { Datagram, DatagramSocket } from '@kudurru/native';
import {
  encodeHex,
  encodePtpGet,
  encodePtpSubscribe,
  PTP_MANAGEMENT_IDS,
  PTP_MESSAGE_SIZE_BYTES_MAX,
} from '@kudurru/proof';
import type {
  PtpEvent,
  PtpManagementMessage,
  PtpManagementName,
  PtpPortIdentity,
  PtpRequestHead,
} from '@kudurru/proof';

import { judge } from './acceptance.ts';
import type { Question, RejectionReason } from './acceptance.ts';
import { Ptp4lError } from './client-error.ts';
import { isSameFile, requireOwner } from './server-socket.ts';

export interface ClientOptions {
  /** ptp4l's socket. */
  readonly serverPath: string;
  /** Where this client's own is made; taken away by `close`. */
  readonly clientPath: string;
  /** 0 … 255, as ptp4l is configured; default 0. ptp4l is silent in any other. */
  readonly domainNumber?: number;
  /** 0 … 15, as ptp4l is configured; default 0. */
  readonly transportSpecific?: number;
  /** 16 hexadecimal digits: the clock that may answer. Without it `learn` asks the first time. */
  readonly clockIdentity?: string;
  /** Users that ptp4l may run as; default root. */
  readonly allowedUids?: readonly number[];
  /** How long to wait for an answer, in milliseconds; default 1000. */
  readonly deadlineMs?: number;
  /** Told of every datagram that was accepted, in order. */
  accepted?(accepted: Accepted): void;
  /** Told of every datagram that was not. */
  rejected?(rejected: Rejected): void;
  /** Told of what went wrong apart from a question: a renewal, or the socket as a whole. */
  failed?(error: Ptp4lError): void;
}

export interface Accepted {
  readonly kind: 'reply' | 'push';
  readonly datagram: Datagram;
  readonly message: PtpManagementMessage;
}

export interface Rejected {
  readonly reason: RejectionReason;
  readonly explanation: string;
  readonly datagram: Datagram;
}

/** Questions that are over whose answers are still known as late. */
const OVER_MAX = 64;
/** A subscription is renewed when this part of it is over. */
const RENEW_AFTER = 1 / 3;

/** What each event is pushed as. */
const PUSHED: Readonly<Record<PtpEvent, PtpManagementName>> = {
  portState: 'PORT_DATA_SET',
  timeSync: 'TIME_STATUS_NP',
  parentDataSet: 'PARENT_DATA_SET',
  cmlds: 'CMLDS_INFO_NP',
};

interface Pending extends Question {
  readonly answered: Set<number>;
  readonly replies: Accepted[];
  readonly expected: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (replies: readonly Accepted[]) => void;
  readonly reject: (error: Ptp4lError) => void;
}

export class Ptp4lClient {
  /** Random: nobody on the network can address it. */
  readonly self: PtpPortIdentity;
  readonly #options: ClientOptions;
  readonly #allowedUids: readonly number[];
  readonly #socket: DatagramSocket;
  readonly #questions = new Map<number, Pending>();
  readonly #over = new Set<number>();
  readonly #pushed = new Set<number>();
  #clockIdentity: string | null;
  #numberPorts = 1;
  #nextSequence = randomInt(0x10000);
  #renewal: NodeJS.Timeout | undefined;
  #closed = false;

  /** @throws Ptp4lError `client-path-unusable` */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#allowedUids = options.allowedUids ?? [0];
    this.#clockIdentity = options.clockIdentity ?? null;
    const portNumber = randomInt(1, 0xffff);
    this.self = { clockIdentity: encodeHex(randomBytes(8)), portNumber };
    try {
      this.#socket = openDatagramSocket({
        path: options.clientPath,
        sizeBytesMax: PTP_MESSAGE_SIZE_BYTES_MAX,
        receive: (datagrams) => datagrams.forEach((datagram) => this.#take(datagram)),
        fail: (error) => {
          const lost = new Ptp4lError('closed', error.message, { cause: error });
          this.#fail(lost);
          options.failed?.(lost);
        },
      });
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      throw new Ptp4lError('client-path-unusable', error.message, { cause: error });
    }
  }

  /** The clock that may answer; null until `learn` where none was configured. */
  get clockIdentity(): string | null {
    return this.#clockIdentity;
  }

  /**
   * Asks ptp4l for its clock and the number of its ports; where no clock was configured, the one
   * that answers is the only one from now on. Says whether it was learned so.
   * @throws Ptp4lError as `get`
   */
  async learn(): Promise<{ readonly clockIdentity: string; readonly learned: boolean }> {
    const learned = this.#clockIdentity === null;
    const [reply] = await this.get('DEFAULT_DATA_SET');
    const body = reply?.message.body;
    if (body?.type !== 'data' || body.dataSet?.name !== 'DEFAULT_DATA_SET') {
      throw new Ptp4lError('no-answer', 'ptp4l does not say which clock it is');
    }
    const { clockIdentity, numberPorts } = body.dataSet;
    this.#clockIdentity ??= clockIdentity;
    this.#numberPorts = Math.max(1, numberPorts);
    return { clockIdentity, learned };
  }

  /**
   * The answers to a GET: one, or for what is of ports one of each port. Those that came are given
   * when not all did by the deadline.
   * @throws Ptp4lError `socket-gone`, `socket-denied`, `socket-impostor`, `busy`, `no-answer`,
   * `refused`, `closed`
   */
  get(name: PtpManagementName): Promise<readonly Accepted[]> {
    return this.#ask(name, (head) => encodePtpGet(head, name));
  }

  /**
   * Asks to be told of events, again at each third of the time, until the next call or `close`; no
   * events ends it. linuxptp 3.1.1 echoes all events and pushes `portState` alone: poll the rest.
   * @throws Ptp4lError as `get`
   */
  async subscribe(events: readonly PtpEvent[], durationSeconds = 60): Promise<void> {
    clearTimeout(this.#renewal);
    this.#pushed.clear();
    for (const event of events) this.#pushed.add(PTP_MANAGEMENT_IDS[PUSHED[event]].id);
    await this.#ask('SUBSCRIBE_EVENTS_NP', (head) => {
      return encodePtpSubscribe(head, { durationSeconds, events });
    });
    if (events.length === 0 || this.#closed) return;
    this.#renewal = setTimeout(
      () => {
        this.subscribe(events, durationSeconds).catch((error: unknown) => {
          if (error instanceof Ptp4lError) this.#options.failed?.(error);
          else throw error;
        });
      },
      durationSeconds * 1000 * RENEW_AFTER,
    );
  }

  /** Ends every question with `closed`. A subscription runs out by itself at ptp4l. */
  close(): void {
    if (this.#closed) return;
    this.#fail(new Ptp4lError('closed', 'the client was closed'));
    this.#socket.close();
  }

  #ask(
    name: PtpManagementName,
    encode: (head: PtpRequestHead) => Uint8Array,
  ): Promise<readonly Accepted[]> {
    if (this.#closed) return Promise.reject(new Ptp4lError('closed', 'the client was closed'));
    const { serverPath, deadlineMs = 1000 } = this.#options;
    const { domainNumber = 0, transportSpecific = 0 } = this.#options;
    const sequenceId = this.#nextSequence;
    this.#nextSequence = (sequenceId + 1) & 0xffff;
    this.#over.delete(sequenceId);
    const request = encode({ domainNumber, transportSpecific, source: this.self, sequenceId });
    const { promise, resolve, reject } = Promise.withResolvers<readonly Accepted[]>();
    const timer = setTimeout(() => this.#giveUp(sequenceId), deadlineMs);
    const expected = PTP_MANAGEMENT_IDS[name].scope === 'port' ? this.#numberPorts : 1;
    const started = { name, answered: new Set<number>(), replies: [], expected };
    this.#questions.set(sequenceId, { ...started, timer, resolve, reject });
    try {
      requireOwner(serverPath, this.#allowedUids);
      this.#socket.send(serverPath, request);
    } catch (error) {
      this.#end(sequenceId);
      reject(asClientError(error));
    }
    return promise;
  }

  #take(datagram: Datagram): void {
    if (this.#closed) return;
    const { serverPath, domainNumber = 0, transportSpecific = 0 } = this.#options;
    const judgement = judge(datagram, {
      allowedUids: this.#allowedUids,
      isServerPath: (path) => isSameFile(path, serverPath),
      ...{ domainNumber, transportSpecific, self: this.self, clockIdentity: this.#clockIdentity },
      ...{ questions: this.#questions, over: this.#over, pushed: this.#pushed },
    });
    if (judgement.accepted === false) {
      const { reason, explanation } = judgement;
      this.#options.rejected?.({ reason, explanation, datagram });
      return;
    }
    const accepted = { kind: judgement.accepted, datagram, message: judgement.message };
    this.#options.accepted?.(accepted);
    if (accepted.kind === 'reply') this.#answer(accepted);
  }

  #answer(reply: Accepted): void {
    const { sequenceId, body, sourcePortIdentity } = reply.message;
    const pending = this.#questions.get(sequenceId);
    if (pending === undefined) return;
    if (body.type === 'error') {
      this.#end(sequenceId);
      const message = `ptp4l refused ${pending.name}: ${body.error}`;
      pending.reject(new Ptp4lError('refused', message, { detail: body.error }));
      return;
    }
    pending.answered.add(sourcePortIdentity.portNumber);
    pending.replies.push(reply);
    if (pending.replies.length < pending.expected) return;
    this.#end(sequenceId);
    pending.resolve(pending.replies);
  }

  #giveUp(sequenceId: number): void {
    const pending = this.#end(sequenceId);
    if (pending === undefined) return;
    if (pending.replies.length > 0) return pending.resolve(pending.replies);
    const { serverPath, deadlineMs = 1000 } = this.#options;
    const message = `ptp4l at "${serverPath}" did not answer ${pending.name} in ${deadlineMs} ms`;
    pending.reject(new Ptp4lError('no-answer', message));
  }

  #end(sequenceId: number): Pending | undefined {
    const pending = this.#questions.get(sequenceId);
    clearTimeout(pending?.timer);
    this.#questions.delete(sequenceId);
    this.#over.add(sequenceId);
    const [oldest] = this.#over;
    if (this.#over.size > OVER_MAX && oldest !== undefined) this.#over.delete(oldest);
    return pending;
  }

  #fail(error: Ptp4lError): void {
    this.#closed = true;
    clearTimeout(this.#renewal);
    for (const sequenceId of [...this.#questions.keys()]) this.#end(sequenceId)?.reject(error);
  }
}

const SEND_CODES: Readonly<Record<string, 'socket-gone' | 'socket-denied' | 'busy'>> = {
  ENOENT: 'socket-gone',
  ECONNREFUSED: 'socket-gone',
  EACCES: 'socket-denied',
  EPERM: 'socket-denied',
  EAGAIN: 'busy',
};

function asClientError(error: unknown): Ptp4lError {
  if (error instanceof Ptp4lError) return error;
  if (!(error instanceof Error)) throw error;
  const { code = '' } = error as NodeJS.ErrnoException;
  return new Ptp4lError(SEND_CODES[code] ?? 'socket-gone', error.message, { cause: error });
}
