/**
 * Works on the requests of a batch in their order: opens sessions, takes them up again, closes
 * them. What goes into the ledger is durable before the agent is told; entries of one batch share a
 * group.
 */
import { ZERO_HASH } from '@kudurru/proof';

import { isKudurruError, KudurruError } from '../base/errors.ts';
import type { LeafIndex } from '../base/units.ts';
import type { NewSessionPlan, SessionDoor } from './session-door.ts';
import type { Session, SessionTable } from './sessions.ts';
import type { WriterFacts } from './writer.ts';

/** As intake hands it over. */
export interface SessionFrame {
  readonly kind: 'open' | 'close' | 'disconnected';
  readonly connection: bigint;
  /** open: the COSE_Sign1; close: the session id. */
  readonly payload: Uint8Array;
  readonly challenge: Uint8Array;
}

export interface SessionHead {
  readonly nextSequence: bigint;
  readonly previousStatementHash: Uint8Array;
}

export type CloseReason = 'closed' | 'idle' | 'stop' | 'broken';

export interface Closing {
  readonly session: Session;
  readonly actionCount: bigint;
  readonly reason: CloseReason;
}

/** An entry's place, or why it has none. */
export type Outcome =
  { readonly index: LeafIndex; readonly leafHash: Uint8Array } | { readonly refusal: KudurruError };

/** What sessions need of intake and ledger; compose.ts connects them. */
export interface SessionPorts {
  writer(connection: bigint): WriterFacts;
  /** Where the session stands in the ledger; null where it has been closed. */
  head(session: Session): Promise<SessionHead | null>;
  /** In this order, in one group; durable when the promise resolves. */
  append(changes: readonly (NewSessionPlan | Closing)[]): Promise<readonly Outcome[]>;
  /** Sends `opened`; the connection carries the session from then on. */
  bind(connection: bigint, session: Session, head: SessionHead): void;
  closed(connection: bigint, sessionId: Uint8Array, actionCount: bigint): void;
  refuse(connection: bigint, error: KudurruError): void;
}

export interface SessionRequestsOptions {
  readonly door: SessionDoor;
  readonly sessions: SessionTable;
  readonly ports: SessionPorts;
}

/** Where a session stands that was just opened. */
const beginning: SessionHead = { nextSequence: 0n, previousStatementHash: ZERO_HASH };

interface Change {
  readonly connection: bigint;
  readonly entry: NewSessionPlan | Closing;
}

export class SessionRequests {
  readonly #options: SessionRequestsOptions;

  constructor(options: SessionRequestsOptions) {
    this.#options = options;
  }

  async answer(frames: readonly SessionFrame[]): Promise<void> {
    let changes: Change[] = [];
    for (const frame of frames) {
      if (frame.kind === 'disconnected') {
        // What the connection asked for before it went comes first.
        await this.#settle(changes);
        changes = [];
        this.#options.sessions.detach(frame.connection);
        continue;
      }
      const change = await this.#decide(frame);
      if (change !== null) changes.push(change);
    }
    await this.#settle(changes);
  }

  /** Closes sessions that nobody asked to close. A refused one stays open and is tried again. */
  async close(sessions: readonly Session[], reason: CloseReason): Promise<void> {
    const { ports } = this.#options;
    const closings: Closing[] = [];
    for (const session of sessions) {
      const head = await ports.head(session);
      if (head !== null) closings.push({ session, actionCount: head.nextSequence, reason });
    }
    const outcomes = await ports.append(closings);
    for (const [position, closing] of closings.entries()) {
      const outcome = outcomes[position];
      if (outcome !== undefined && 'index' in outcome) this.#forget(closing);
    }
  }

  /** Null where nothing is left to do: the session was taken up, or the request refused. */
  async #decide(frame: SessionFrame): Promise<Change | null> {
    const { ports } = this.#options;
    const { connection } = frame;
    try {
      if (frame.kind === 'close') return { connection, entry: await this.#closing(frame) };
      const { payload: request, challenge } = frame;
      const writer = ports.writer(connection);
      const decision = this.#options.door.decide({ connection, request, challenge, writer });
      if (decision.kind === 'open') return { connection, entry: decision };
      ports.bind(connection, decision.session, await this.#headOf(decision.session));
    } catch (error) {
      if (!isKudurruError(error) || error.retry === 'restart') throw error;
      ports.refuse(connection, error);
    }
    return null;
  }

  async #closing({ connection, payload }: SessionFrame): Promise<Closing> {
    const session = this.#options.door.closing(connection, payload);
    const { nextSequence } = await this.#headOf(session);
    return { session, actionCount: nextSequence, reason: 'closed' };
  }

  async #headOf(session: Session): Promise<SessionHead> {
    const head = await this.#options.ports.head(session);
    if (head !== null) return head;
    throw new KudurruError('session-closed', 'session not taken up: it has been closed');
  }

  async #settle(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const { ports, door } = this.#options;
    const outcomes = await ports.append(changes.map(({ entry }) => entry));
    for (const [position, { connection, entry }] of changes.entries()) {
      const outcome = outcomes[position];
      if (outcome === undefined) continue;
      if ('refusal' in outcome) {
        if ('kind' in entry) door.dropped(entry);
        ports.refuse(connection, outcome.refusal);
      } else if ('kind' in entry) {
        const session = door.opened(entry, outcome);
        ports.bind(connection, session, beginning);
      } else {
        this.#options.sessions.remove(entry.session);
        ports.closed(connection, entry.session.sessionId, entry.actionCount);
      }
    }
  }

  #forget({ session, actionCount }: Closing): void {
    const { connection, sessionId } = session;
    this.#options.sessions.remove(session);
    if (connection !== null) this.#options.ports.closed(connection, sessionId, actionCount);
  }
}
