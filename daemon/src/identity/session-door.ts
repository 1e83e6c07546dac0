/**
 * Decides who may open a session or take one up again, and keeps the table of sessions true. What a
 * decision needs in the ledger is given back as a value; the caller makes it durable and only then
 * tells the agent.
 */
import { KudurruError } from '../base/errors.ts';
import type { LeafIndex } from '../base/units.ts';
import type { Agent, AgentRegistry } from './agents.ts';
import { readSessionRequest } from './session-request.ts';
import type { Session, SessionTable } from './sessions.ts';
import type { WriterFacts } from './writer.ts';

/** An `open` frame. */
export interface OpenFrame {
  readonly connection: bigint;
  /** COSE_Sign1 as the agent sent it. */
  readonly request: Uint8Array;
  readonly challenge: Uint8Array;
  readonly writer: WriterFacts;
}

/** A `session.open` entry to append. */
export interface NewSessionPlan {
  readonly kind: 'open';
  readonly connection: bigint;
  readonly agent: Agent;
  readonly sessionNumber: number;
  readonly request: Uint8Array;
  readonly writer: WriterFacts;
}

export type OpenDecision =
  | NewSessionPlan
  | { readonly kind: 'resume'; readonly connection: bigint; readonly session: Session };

export interface SessionDoorOptions {
  readonly ledgerId: Uint8Array;
  readonly agents: AgentRegistry;
  readonly sessions: SessionTable;
}

export class SessionDoor {
  readonly #options: SessionDoorOptions;
  /** Plans whose entry is not durable yet: they count as open. */
  #planned = 0;

  constructor(options: SessionDoorOptions) {
    this.#options = options;
  }

  /** @throws KudurruError with the reason of the refusal; see `readSessionRequest`, `resumable` */
  decide(frame: OpenFrame): OpenDecision {
    const { ledgerId, agents, sessions } = this.#options;
    const { connection, challenge, request, writer } = frame;
    const { agent, resumeSessionId } = readSessionRequest(request, { ledgerId, challenge, agents });
    if (resumeSessionId !== null) {
      const session = sessions.resumable(resumeSessionId, agent, writer);
      sessions.attach(session, connection);
      return { kind: 'resume', connection, session };
    }
    sessions.requireRoom(this.#planned + 1);
    this.#planned += 1;
    const sessionNumber = agent.nextSessionNumber;
    agent.nextSessionNumber += 1;
    return { kind: 'open', connection, agent, sessionNumber, request, writer };
  }

  /** The plan's entry is durable. */
  opened(
    plan: NewSessionPlan,
    placed: { readonly index: LeafIndex; readonly leafHash: Uint8Array },
  ): Session {
    this.#planned -= 1;
    const { agent, sessionNumber, writer, connection } = plan;
    return this.#options.sessions.add(
      { sessionId: placed.leafHash, sessionIndex: placed.index, sessionNumber, agent, writer },
      connection,
    );
  }

  /** The plan's entry was refused: its number is given to the next session. */
  dropped(plan: NewSessionPlan): void {
    this.#planned -= 1;
    plan.agent.nextSessionNumber = Math.min(plan.agent.nextSessionNumber, plan.sessionNumber);
  }

  /** The session that a `close` frame names. @throws KudurruError `session-unknown` */
  closing(connection: bigint, sessionId: Uint8Array): Session {
    const session = this.#options.sessions.onConnection(connection);
    if (session !== null && Buffer.compare(session.sessionId, sessionId) === 0) return session;
    throw new KudurruError(
      'session-unknown',
      'session not closed: this connection does not carry it',
    );
  }
}
