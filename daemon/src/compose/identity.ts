/** Agents and sessions: restored from the entries, connected to intake and ledger. */
import { decodeCoseKey, equalBytes, WRITER_LEVELS } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { taiNs } from '../base/units.ts';
import { AgentRegistry } from '../identity/agents.ts';
import { SessionDoor, type NewSessionPlan } from '../identity/session-door.ts';
import { SessionRequests, type Closing, type SessionPorts } from '../identity/session-requests.ts';
import { SessionTable, type Session } from '../identity/sessions.ts';
import { decodeWriterFacts, encodeWriterFacts, type WriterFacts } from '../identity/writer.ts';
import type { AgentDoor } from '../intake/agent-door.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { Ledger, OpenSession } from '../ledger/ledger.ts';
import { systemEntry, type SystemEntry } from '../ledger/system-entry.ts';
import { readBootId } from './boot-record.ts';

export interface IdentityOptions {
  readonly ledgerId: Uint8Array;
  readonly trustDomain: string;
  readonly ledger: Ledger;
  readonly sessionsMax: number;
  readonly sessionIdleMs: number;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

/** COSE algorithm numbers (RFC 9864). */
const coseAlgorithms = { Ed25519: -19, ESP256: -9 } as const;
/** Entries asked for together at the start. */
const restoredAtOnce = 256;
/** SPEC.md §3. */
const writerFactsField = 32;

export class Identity {
  readonly agents: AgentRegistry;
  readonly sessions: SessionTable;
  readonly #options: IdentityOptions;
  readonly #bootId = readBootId();
  /** Next sequence of each session when it was last looked at: progress is a sign of life. */
  #progress = new Map<Session, bigint>();
  #requests: SessionRequests | null = null;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.agents = new AgentRegistry(options.trustDomain);
    this.sessions = new SessionTable(options.sessionsMax, options.nowMs);
  }

  /** Agents and open sessions as the entries say. */
  async restore(): Promise<void> {
    const { ledger } = this.#options;
    const agents = await ledger.agents();
    await inPages(agents, async ({ index, nextSessionNumber }) => {
      const entry = entryOfKind(await ledger.readEntry(index), 'agent.enrol', index);
      const agent = this.agents.add({
        agentIndex: index,
        agentId: entry.agentId,
        owner: entry.owner,
        purpose: entry.purpose,
        key: decodeCoseKey(entry.key),
        enrolledByUid: entry.enrolledBy.uid,
        enrolledAt: taiNs(entry.time.taiNs),
      });
      agent.nextSessionNumber = nextSessionNumber;
    });
    await inPages(await ledger.openSessions(), (open) => this.#restoreSession(open));
  }

  /** Connects sessions to intake; from then on its requests can be answered. */
  connect(intake: AgentDoor): SessionRequests {
    const { ledgerId } = this.#options;
    const { agents, sessions } = this;
    const door = new SessionDoor({ ledgerId, agents, sessions });
    this.#requests = new SessionRequests({ door, sessions, ports: this.#ports(intake) });
    return this.#requests;
  }

  /** Sessions of an earlier boot of the box: the process that opened them is gone with it. */
  async closeBroken(): Promise<void> {
    const broken = this.sessions.all().filter(({ writer: { bootId } }) => {
      return bootId === null || !equalBytes(bootId, this.#bootId);
    });
    if (broken.length > 0) await this.#requests?.close(broken, 'broken');
  }

  /** Closes sessions that were silent for too long. */
  async closeIdle(): Promise<void> {
    const seen = new Map<Session, bigint>();
    for (const { index, nextSequence } of await this.#options.ledger.openSessions()) {
      const session = this.sessions.byIndex(index);
      if (session === null) continue;
      if (this.#progress.get(session) !== nextSequence) this.sessions.touch(session);
      seen.set(session, nextSequence);
    }
    this.#progress = seen;
    const idle = this.sessions.idle(this.#options.sessionIdleMs);
    if (idle.length > 0) await this.#requests?.close(idle, 'idle');
  }

  async #restoreSession({ index, id, agentIndex, number }: OpenSession): Promise<void> {
    const { ledger } = this.#options;
    const agent = this.agents.byIndex(agentIndex);
    if (agent === null) {
      throw new KudurruError('ledger-failed', `session ${index} is of no agent of this ledger`);
    }
    const body = await ledger.openBody(index, writerFactsField);
    if (body === null) {
      throw new KudurruError('ledger-failed', `writer facts of session ${index} are missing`);
    }
    const writer = decodeWriterFacts(body.bytes);
    this.sessions.add(
      { sessionId: id, sessionIndex: index, sessionNumber: number, agent, writer },
      null,
    );
  }

  #ports(intake: AgentDoor): SessionPorts {
    const { ledger } = this.#options;
    return {
      writer: (connection) => this.#writerOf(intake, connection),
      head: ({ sessionIndex }) => ledger.openSession(sessionIndex),
      append: (changes) => ledger.append(changes.map((change) => entryOf(change, intake))),
      bind: (connection, session, head) => {
        const { sessionId, sessionIndex, sessionNumber, agent } = session;
        intake.bind(connection, {
          sessionId,
          sessionIndex,
          sessionNumber,
          ...head,
          publicKey: agent.key.bytes,
          algorithm: coseAlgorithms[agent.key.algorithm],
        });
      },
      closed: (connection, sessionId, count) => intake.closed(connection, sessionId, count),
      refuse: (connection, error) => intake.refuse(connection, error),
    };
  }

  #writerOf(intake: AgentDoor, connection: bigint): WriterFacts {
    const { pid, uid, gid, inode, startTime, exe, cgroup } = intake.writer(connection);
    return {
      bootId: this.#bootId,
      pid,
      uid,
      gid,
      startTime,
      inode,
      exe,
      exeSha256: null,
      cgroup,
    };
  }
}

/** A page at a time, so that reads of the ledger do not wait for each other's way back. */
async function inPages<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < items.length; first += restoredAtOnce) {
    await Promise.all(items.slice(first, first + restoredAtOnce).map(act));
  }
}

function entryOf(change: NewSessionPlan | Closing, intake: AgentDoor): SystemEntry {
  if ('kind' in change) {
    const { agent, sessionNumber, request, writer } = change;
    const writerLevel = WRITER_LEVELS[intake.writerLevel - 1] ?? 'credentials';
    return systemEntry(
      'session.open',
      { agentIndex: agent.agentIndex, sessionNumber, request, writerLevel },
      [{ field: 'writerFacts', bytes: encodeWriterFacts(writer), mediaType: null }],
    );
  }
  const { session, actionCount, reason } = change;
  return systemEntry('session.close', {
    sessionIndex: session.sessionIndex,
    actionCount: Number(actionCount),
    reason,
  });
}
