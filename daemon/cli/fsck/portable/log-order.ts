/**
 * What an entry must be by the entries before it: chain, boots, times, agents, sessions,
 * statements. The same rules as native/src/core/ledger/log-state; `append` throws what is broken.
 */
import {
  decodeCoseKey,
  decodeStatement,
  equalBytes,
  ledgerIdOf,
  MerkleTree,
  ProofError,
  statementHash,
  ZERO_HASH,
  type Entry,
  type EntryOf,
  type NodeListener,
  type PublicKey,
} from '@kudurru/proof';

/** An entry that contradicts those before it. */
export class Contradiction extends Error {}

interface AgentFacts {
  readonly key: PublicKey | null;
  nextSession: bigint;
}
interface SessionFacts {
  readonly id: Uint8Array;
  readonly agent: AgentFacts;
  nextSequence: bigint;
  previousStatement: Uint8Array;
}

export class LogOrder {
  readonly #ledgerId: Uint8Array;
  readonly tree: MerkleTree;
  lastLeafHash: Uint8Array = ZERO_HASH;
  readonly #agents = new Map<bigint, AgentFacts>();
  readonly #agentIds = new Set<string>();
  readonly #sessions = new Map<bigint, SessionFacts>();
  readonly #appliances = new Map<number, { boot: bigint; taiNs: bigint }>();
  #statement: { readonly sessionIndex: bigint; actionsLeft: number } | null = null;

  constructor(ledgerId: Uint8Array, onNode: NodeListener) {
    this.#ledgerId = ledgerId;
    this.tree = new MerkleTree(onNode);
  }

  get isInsideStatement(): boolean {
    return this.#statement !== null;
  }

  /** The key of the agent whose session the statement is of. */
  signerOf({ sessionIndex }: EntryOf<'statement'>): PublicKey | null {
    return this.#sessions.get(sessionIndex)?.agent.key ?? null;
  }

  /** @throws Contradiction: then nothing has changed */
  append(entry: Entry, leaf: Uint8Array): void {
    this.#checkHead(entry);
    this.#takeKind(entry, leaf);
    const { appliance, time } = entry;
    this.#appliances.set(appliance, { boot: time.bootIndex, taiNs: time.taiNs });
    this.lastLeafHash = leaf;
    this.tree.appendHash(leaf);
  }

  #checkHead(entry: Entry): void {
    const { size } = this.tree;
    this.#demand(equalBytes(entry.previousLeafHash, this.lastLeafHash), 'breaks the chain');
    this.#demand((size === 0n) === (entry.kind === 'genesis'), 'is a genesis in another place');
    this.#demand(
      (this.#statement !== null) === (entry.kind === 'action'),
      'breaks a statement off, or is an action outside of one',
    );
    const known = this.#appliances.get(entry.appliance) ?? { boot: 0n, taiNs: 0n };
    this.#demand(entry.time.taiNs >= known.taiNs, 'goes back in time');
    const boot = entry.kind === 'genesis' ? 1n : entry.kind === 'boot' ? size : known.boot;
    this.#demand(entry.time.bootIndex === boot, "names another boot than its appliance's last");
  }

  #takeKind(entry: Entry, leaf: Uint8Array): void {
    switch (entry.kind) {
      case 'genesis':
        return this.#demand(
          equalBytes(ledgerIdOf(entry.provisioningRecord), this.#ledgerId),
          "is another ledger's genesis",
        );
      case 'agent.enrol':
        this.#demand(!this.#agentIds.has(entry.agentId), 'enrols an agent for a second time');
        this.#agentIds.add(entry.agentId);
        this.#agents.set(this.tree.size, { key: keyOf(entry.key), nextSession: 0n });
        return;
      case 'session.open':
        return this.#takeOpen(entry, leaf);
      case 'session.close': {
        const session = this.#sessions.get(entry.sessionIndex);
        this.#demand(session !== undefined, 'closes a session that is not open');
        this.#demand(
          session.nextSequence === BigInt(entry.actionCount),
          'states another number of actions than the session has',
        );
        this.#sessions.delete(entry.sessionIndex);
        return;
      }
      case 'statement':
        return this.#takeStatement(entry);
      case 'action':
        return this.#takeAction(entry);
      default:
    }
  }

  #takeOpen(entry: EntryOf<'session.open'>, leaf: Uint8Array): void {
    const agent = this.#agents.get(entry.agentIndex);
    this.#demand(agent !== undefined, 'opens a session of an unknown agent');
    this.#demand(
      agent.nextSession === BigInt(entry.sessionNumber),
      'numbers a session out of turn',
    );
    agent.nextSession += 1n;
    this.#sessions.set(this.tree.size, {
      id: leaf,
      agent,
      nextSequence: 0n,
      previousStatement: ZERO_HASH,
    });
  }

  #takeStatement(entry: EntryOf<'statement'>): void {
    const session = this.#sessions.get(entry.sessionIndex);
    this.#demand(session !== undefined, 'is a statement of a session that is not open');
    const { content } = this.#decoded(() => decodeStatement(entry.statement));
    this.#demand(
      equalBytes(content.ledgerId, this.#ledgerId) && equalBytes(content.sessionId, session.id),
      'is a statement for another ledger or session',
    );
    this.#demand(
      content.firstSequence === session.nextSequence &&
        equalBytes(content.previousStatementHash, session.previousStatement),
      "does not follow the session's statement before it",
    );
    session.previousStatement = statementHash(entry.statement);
    this.#statement = {
      sessionIndex: entry.sessionIndex,
      actionsLeft: content.actionCount,
    };
  }

  #takeAction(entry: EntryOf<'action'>): void {
    const statement = this.#statement;
    const session = statement === null ? undefined : this.#sessions.get(statement.sessionIndex);
    this.#demand(
      statement !== null &&
        session !== undefined &&
        entry.sessionIndex === statement.sessionIndex &&
        entry.sequence === session.nextSequence,
      'is not the next action of its statement',
    );
    session.nextSequence += 1n;
    statement.actionsLeft -= 1;
    if (statement.actionsLeft === 0) this.#statement = null;
  }

  #decoded<Value>(decode: () => Value): Value {
    try {
      return decode();
    } catch (error) {
      if (error instanceof ProofError) throw this.#broken('holds no statement');
      throw error;
    }
  }

  #demand(holds: boolean, what: string): asserts holds {
    if (!holds) throw this.#broken(what);
  }

  #broken(what: string): Contradiction {
    return new Contradiction(`entry ${this.tree.size} ${what}`);
  }
}

/** Null where the enrolment holds no usable key. */
function keyOf(coseKey: Uint8Array): PublicKey | null {
  try {
    return decodeCoseKey(coseKey);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
