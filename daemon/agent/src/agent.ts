/**
 * An agent's standing connection to its ledger: one session, submissions in order, receipts. What
 * is sent survives the loss of the connection and a restart of the ledger: the session is taken up
 * again and what was not answered is sent again, byte for byte. What cannot be known is said.
 */
import { randomInt } from 'node:crypto';

import { equalBytes } from '@kudurru/proof';

import { encodeActions, type Action, type EncodedActions } from './action.ts';
import { AgentError } from './agent-error.ts';
import { AnchoredReceipts, type AnchoredReceipt } from './anchored-receipt.ts';
import { Connection, type ConnectionListener } from './connection.ts';
import { FRAME_TYPE, type Frame } from './frame.ts';
import {
  closeFrame,
  decodeAnchored,
  decodeClosed,
  decodeCommitted,
  decodeOpened,
  decodeRefused,
  openFrame,
  type Committed,
  type Opened,
  type Welcome,
} from './messages.ts';
import { DEFAULTS, type ConnectOptions, type SubmitOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import { receiptOf, type Receipt } from './receipt.ts';
import { signSessionRequest } from './session-request.ts';
import { requireWithin, signSubmission, type Submission } from './submission.ts';

const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1_000;

/**
 * Connects, and opens a session.
 * @throws AgentError `ledger-unreachable`, `protocol-violation`, `receipt-not-kept`, or the code
 * the ledger refuses the session with
 */
export async function connect(options: ConnectOptions): Promise<Agent> {
  return Agent.connect(options);
}

interface Waiting {
  readonly encoded: EncodedActions;
  readonly options: SubmitOptions;
  resolve(receipt: Receipt): void;
}

export class Agent {
  readonly #options: ConnectOptions & typeof DEFAULTS;
  readonly #anchored: AnchoredReceipts;
  readonly #outbox: Outbox;
  readonly #waiting = new Map<EncodedActions['prepared'], Waiting>();
  #welcome: Welcome | null = null;
  #session: Opened | null = null;
  #link: Connection | null = null;
  #isReconnecting = false;
  #failure: AgentError | null = null;
  #refusal: AgentError | null = null;
  #answerTimer: NodeJS.Timeout | undefined;
  #closed: PromiseWithResolvers<number> | null = null;
  #idle: PromiseWithResolvers<void> | null = null;

  private constructor(options: ConnectOptions) {
    this.#options = { ...DEFAULTS, ...options } as ConnectOptions & typeof DEFAULTS;
    this.#anchored = new AnchoredReceipts(options);
    this.#outbox = new Outbox((prepared, head, level) =>
      signSubmission(prepared, { head, level }, { key: options.key, ...this.#sessionFacts() }),
    );
  }

  /** See `connect`. */
  static async connect(options: ConnectOptions): Promise<Agent> {
    const agent = new Agent(options);
    await agent.#establish();
    return agent;
  }

  /** 32 bytes. */
  get ledgerId(): Uint8Array {
    return this.#sessionFacts().ledgerId;
  }

  /** Limits, origin and writer level, as the ledger last told them. */
  get welcome(): Welcome {
    if (this.#welcome === null) throw AgentError.own('agent-closed', 'not connected yet');
    return this.#welcome;
  }

  /** 32 bytes; another after a session was lost. */
  get sessionId(): Uint8Array {
    return this.#sessionFacts().sessionId;
  }

  /** The newest anchored receipt that was checked, or null before the first. */
  get newestAnchored(): AnchoredReceipt | null {
    return this.#anchored.newest;
  }

  /**
   * Submits `actions` in one statement and waits for the receipt. Submissions are sent in the order
   * of the calls; any number may wait.
   * @throws AgentError `submission-invalid` (nothing sent), `ledger-unreachable`, `session-lost`,
   * `ledger-inconsistent`, `agent-closed`, or the code the ledger refuses with
   */
  async submit(actions: readonly Action[], options: SubmitOptions = {}): Promise<Receipt> {
    this.#requireUsable();
    const encoded = encodeActions(actions);
    requireWithin(this.welcome.limits, encoded.prepared);
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
    this.#waiting.set(encoded.prepared, { encoded, options, resolve });
    this.#outbox.add({
      prepared: encoded.prepared,
      level: options.level === 'anchored' ? 2 : 1,
      committed: (submission, receipt) => this.#onCommitted(submission, receipt),
      failed: (error) => {
        this.#waiting.delete(encoded.prepared);
        reject(error);
      },
    });
    this.#pump();
    return promise;
  }

  /**
   * Waits for the open submissions, closes the session and the connection. The number of actions of
   * the session, or null when the ledger was not there to be told.
   */
  async close(): Promise<number | null> {
    this.#requireUsable();
    if (!this.#outbox.isIdle) {
      this.#idle ??= Promise.withResolvers<void>();
      await this.#idle.promise;
    }
    const link = this.#link;
    if (link === null || this.#failure !== null) return null;
    this.#closed = Promise.withResolvers<number>();
    link.send(closeFrame(this.sessionId));
    this.#armAnswerTimer();
    try {
      return await this.#closed.promise;
    } finally {
      this.#fail(AgentError.own('agent-closed', 'the agent is closed: connect again'));
    }
  }

  /** Ends the connection at once. The session stays open in the ledger; what waits is rejected. */
  destroy(): void {
    if (this.#failure === null) this.#fail(AgentError.own('agent-closed', 'the agent was ended'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === null) await this.close();
  }

  #sessionFacts(): { ledgerId: Uint8Array; sessionId: Uint8Array } {
    const { ledgerId } = this.welcome;
    if (this.#session === null) throw AgentError.own('agent-closed', 'no session is open');
    return { ledgerId, sessionId: this.#session.sessionId };
  }

  /** Failed, closed or destroyed: nobody is to be reached any more. */
  get #isOver(): boolean {
    return this.#failure !== null;
  }

  #requireUsable(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed !== null) throw AgentError.own('agent-closed', 'the agent is being closed');
  }

  /** Connects and opens or resumes the session. Throws, with nothing left open. */
  async #establish(): Promise<void> {
    const { socketPath, client, answerTimeoutMs: timeoutMs } = this.#options;
    const { link, welcome } = await Connection.open({ socketPath, client, timeoutMs });
    try {
      this.#requireSameLedger(welcome);
      this.#welcome = welcome;
      const resumed = this.#session;
      const opened = await this.#openSession(link, welcome);
      if (opened === null) return await this.#establish();
      if (resumed !== null && !equalBytes(resumed.sessionId, opened.sessionId)) {
        throw AgentError.own('protocol-violation', 'the ledger opened another session than asked');
      }
      if (this.#isOver) throw AgentError.own('agent-closed', 'the agent was ended meanwhile');
      this.#session = opened;
      this.#outbox.opened(opened);
    } catch (error) {
      link.destroy(AgentError.own('agent-closed', 'no session was opened'));
      throw error;
    }
    this.#refusal = null;
    this.#link = link;
    link.listen(this.#listener(link));
    this.#pump();
  }

  /** Null when the session that was to be taken up is lost: it is forgotten then. */
  async #openSession(link: Connection, welcome: Welcome): Promise<Opened | null> {
    const { agentId, client, key, answerTimeoutMs: timeoutMs } = this.#options;
    const resumeSessionId = this.#session?.sessionId ?? null;
    const request = signSessionRequest(key, welcome, { agentId, client, resumeSessionId });
    try {
      return decodeOpened(await link.ask(openFrame(request), { type: 'opened', timeoutMs }));
    } catch (error) {
      const isLost =
        resumeSessionId !== null &&
        error instanceof AgentError &&
        error.source === 'ledger' &&
        error.retry === 'never';
      if (!isLost) throw error;
      this.#session = null;
      this.#outbox.sessionLost(
        AgentError.own('session-lost', `session not taken up again: ${error.message}`, error),
      );
      link.destroy(error);
      return null;
    }
  }

  #requireSameLedger(welcome: Welcome): void {
    if (this.#welcome === null || equalBytes(this.#welcome.ledgerId, welcome.ledgerId)) return;
    throw AgentError.own(
      'ledger-changed',
      `another ledger answers: "${welcome.origin}" where "${this.#welcome.origin}" did before`,
    );
  }

  #listener(link: Connection): ConnectionListener {
    return {
      frame: (frame) => this.#onFrame(frame),
      drained: () => this.#pump(),
      ended: (reason) => {
        if (this.#link === link) this.#onEnded(reason);
      },
    };
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case FRAME_TYPE.committed:
        this.#outbox.onCommitted(decodeCommitted(frame.payload));
        break;
      case FRAME_TYPE.anchored:
        this.#onAnchored(frame.payload);
        break;
      case FRAME_TYPE.refused:
        this.#onRefused(frame.payload);
        break;
      case FRAME_TYPE.closed:
        this.#closed?.resolve(decodeClosed(frame.payload).actionCount);
        break;
      default:
        throw AgentError.own('protocol-violation', `unexpected frame of type ${frame.type}`);
    }
    this.#armAnswerTimer();
    this.#pump();
    this.#tellIdle();
  }

  #onCommitted(submission: Submission, committed: Committed): void {
    const waiting = this.#waiting.get(submission.prepared);
    if (waiting === undefined) return;
    const receipt = receiptOf(submission, committed, waiting.encoded.salts);
    if (waiting.options.level === 'anchored') {
      waiting.options.onCommitted?.(receipt);
      return;
    }
    this.#waiting.delete(submission.prepared);
    waiting.resolve(receipt);
  }

  #onAnchored(payload: Uint8Array): void {
    const push = decodeAnchored(payload);
    const found = this.#outbox.unanchoredAt(push.firstSequence);
    if (found === null) return;
    const { submission, receipt } = found;
    const anchored = this.#anchored.accept(push.receipt, {
      origin: this.welcome.origin,
      submission,
      committed: receipt,
    });
    this.#outbox.onAnchored(push.firstSequence);
    const waiting = this.#waiting.get(submission.prepared);
    if (waiting === undefined) return;
    this.#waiting.delete(submission.prepared);
    waiting.resolve({ ...receiptOf(submission, receipt, waiting.encoded.salts), anchored });
  }

  #onRefused(payload: Uint8Array): void {
    const refusal = decodeRefused(payload);
    const { firstSequence } = refusal;
    // About the connection: the ledger ends it next, and what waits is told why.
    if (firstSequence === null) this.#refusal = AgentError.ofLedger(refusal);
    else this.#outbox.onRefused({ ...refusal, firstSequence });
  }

  #onEnded(reason: AgentError): void {
    this.#link = null;
    clearTimeout(this.#answerTimer);
    this.#closed?.reject(reason);
    this.#outbox.disconnected();
    if (reason.retry === 'never' && reason.source === 'agent') return this.#fail(reason);
    // The same bytes would be refused again, so nothing is sent again.
    if (this.#refusal?.retry === 'never') this.#outbox.giveUp(this.#refusal);
    this.#tellIdle();
    if (!this.#outbox.isIdle) void this.#reconnect();
  }

  #pump(): void {
    const link = this.#link;
    if (link === null) {
      if (!this.#outbox.isIdle) void this.#reconnect();
      return;
    }
    const wasAwaiting = this.#outbox.isAwaiting;
    for (;;) {
      const frame = this.#outbox.next(this.welcome.limits.inFlightMax);
      if (frame === null || !link.send(frame)) break;
    }
    // No answer is owed for what is not sent yet.
    if (!wasAwaiting || this.#outbox.isSending) this.#armAnswerTimer();
  }

  /** Seeks the ledger until it is back or the time for it is over. Never throws. */
  async #reconnect(): Promise<void> {
    if (this.#isReconnecting || this.#isOver) return;
    this.#isReconnecting = true;
    const giveUpAtMs = performance.now() + this.#options.reconnectTimeoutMs;
    try {
      for (let waitMs = BACKOFF_FIRST_MS; ; waitMs = Math.min(2 * waitMs, BACKOFF_MAX_MS)) {
        const error = await this.#tryEstablish();
        if (error === null || this.#isOver) return;
        if (error.retry === 'never') return this.#fail(error);
        if (performance.now() + waitMs > giveUpAtMs) return this.#outbox.giveUp(error);
        await new Promise((resolve) => setTimeout(resolve, waitMs / 2 + randomInt(waitMs / 2)));
        if (this.#isOver) return;
      }
    } finally {
      this.#isReconnecting = false;
      this.#tellIdle();
    }
  }

  async #tryEstablish(): Promise<AgentError | null> {
    try {
      await this.#establish();
      return null;
    } catch (error) {
      if (error instanceof AgentError) return error;
      throw error;
    }
  }

  #armAnswerTimer(): void {
    clearTimeout(this.#answerTimer);
    const link = this.#link;
    if (link === null || !(this.#outbox.isAwaiting || this.#closed !== null)) return;
    const { answerTimeoutMs } = this.#options;
    this.#answerTimer = setTimeout(() => {
      const reason = `the ledger owes an answer for ${answerTimeoutMs} ms`;
      link.destroy(AgentError.own('ledger-unreachable', reason));
    }, answerTimeoutMs);
  }

  #tellIdle(): void {
    if (this.#outbox.isIdle) this.#idle?.resolve();
  }

  /** The end of this agent: everyone who waits is told, and whoever comes later. */
  #fail(error: AgentError): void {
    this.#failure = error;
    clearTimeout(this.#answerTimer);
    this.#closed?.reject(error);
    this.#outbox.giveUp(error);
    const link = this.#link;
    this.#link = null;
    link?.destroy(error);
    this.#tellIdle();
  }
}
