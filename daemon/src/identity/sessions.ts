/**
 * Open sessions. A session is a `session.open` entry without its `session.close`; it belongs to one
 * agent and to the process that opened it, and is carried by one connection at a time or by none.
 * It outlives connections and runs of the daemon, but not a boot of the box.
 */
import { encodeHex } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { LeafIndex } from '../base/units.ts';
import type { Agent } from './agents.ts';
import { isSameWriter, type WriterFacts } from './writer.ts';

export interface Session {
  /** Leaf hash of the `session.open` entry, 32 bytes. */
  readonly sessionId: Uint8Array;
  readonly sessionIndex: LeafIndex;
  readonly sessionNumber: number;
  readonly agent: Agent;
  readonly writer: WriterFacts;
  /** The connection that carries it; null while there is none. */
  connection: bigint | null;
  /** Its last sign of life, in ms of a clock that never goes back. */
  lastSeenMs: number;
}

export type NewSession = Omit<Session, 'connection' | 'lastSeenMs'>;

export class SessionTable {
  readonly #byId = new Map<string, Session>();
  readonly #byIndex = new Map<LeafIndex, Session>();
  readonly #byConnection = new Map<bigint, Session>();
  readonly #sessionsMax: number;
  readonly #nowMs: () => number;

  constructor(sessionsMax: number, nowMs: () => number) {
    this.#sessionsMax = sessionsMax;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Throws where one more would be too many. @throws KudurruError `sessions-full` */
  requireRoom(more: number): void {
    if (this.#byId.size + more <= this.#sessionsMax) return;
    throw new KudurruError(
      'sessions-full',
      `session not opened: ${this.#sessionsMax} sessions are open (sessionsMax); close some first`,
    );
  }

  add(session: NewSession, connection: bigint | null): Session {
    const added: Session = { ...session, connection: null, lastSeenMs: this.#nowMs() };
    this.#byId.set(encodeHex(added.sessionId), added);
    this.#byIndex.set(added.sessionIndex, added);
    if (connection !== null) this.attach(added, connection);
    return added;
  }

  attach(session: Session, connection: bigint): void {
    session.connection = connection;
    session.lastSeenMs = this.#nowMs();
    this.#byConnection.set(connection, session);
  }

  /** The connection is gone; its session waits to be taken up again. */
  detach(connection: bigint): void {
    const session = this.#byConnection.get(connection);
    if (session === undefined) return;
    this.#byConnection.delete(connection);
    session.connection = null;
    session.lastSeenMs = this.#nowMs();
  }

  remove(session: Session): void {
    this.#byId.delete(encodeHex(session.sessionId));
    this.#byIndex.delete(session.sessionIndex);
    if (session.connection !== null) this.#byConnection.delete(session.connection);
    session.connection = null;
  }

  onConnection(connection: bigint): Session | null {
    return this.#byConnection.get(connection) ?? null;
  }

  /** It shows a sign of life. */
  touch(session: Session): void {
    session.lastSeenMs = this.#nowMs();
  }

  byIndex(sessionIndex: LeafIndex): Session | null {
    return this.#byIndex.get(sessionIndex) ?? null;
  }

  ofAgent(agent: Agent): readonly Session[] {
    return [...this.#byId.values()].filter((session) => session.agent === agent);
  }

  /** Those that showed no sign of life for `idleMs`. */
  idle(idleMs: number): readonly Session[] {
    const beforeMs = this.#nowMs() - idleMs;
    return [...this.#byId.values()].filter(({ lastSeenMs }) => lastSeenMs <= beforeMs);
  }

  all(): readonly Session[] {
    return [...this.#byId.values()];
  }

  /**
   * The session that `writer` may take up again.
   * @throws KudurruError `session-unknown`, `writer-changed`, `session-taken`
   */
  resumable(sessionId: Uint8Array, agent: Agent, writer: WriterFacts): Session {
    const session = this.#byId.get(encodeHex(sessionId));
    if (session === undefined || session.agent !== agent) {
      throw new KudurruError(
        'session-unknown',
        'session not taken up: this agent has no such open session; open a new one',
      );
    }
    if (!isSameWriter(session.writer, writer)) {
      throw new KudurruError(
        'writer-changed',
        'session not taken up: another process opened it, and only that one may write to it; ' +
          'open a new one',
      );
    }
    if (session.connection !== null) {
      throw new KudurruError(
        'session-taken',
        'session not taken up: another connection carries it; close that one first',
      );
    }
    return session;
  }
}
