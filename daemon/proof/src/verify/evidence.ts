/**
 * A bundle, decoded in full: every entry and every structure inside one. Nothing here has been
 * checked beyond its form; lookups follow references and throw a finding when what they need is not
 * in the bundle.
 */
import type { AgentHead } from '../anchor.ts';
import { decodeAgentHead } from '../anchor.ts';
import type { ApplianceDocument } from '../appliance.ts';
import type { Bundle } from '../bundle.ts';
import { equalBytes } from '../bytes.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { parseCheckpoint } from '../checkpoint.ts';
import { decodeCoseKey } from '../cose.ts';
import type { AnchorEntry, Entry, EntryHead, EntryKind, EntryOf } from '../entry.ts';
import { decodeEntry, isAnchorEntry } from '../entry.ts';
import type { Envelope } from '../envelope.ts';
import { decodeEnvelope } from '../envelope.ts';
import type { ProvisioningRecord, Reference } from '../identifier.ts';
import { leafHash } from '../merkle.ts';
import type { VerifierKey } from '../note.ts';
import type { OperatorOrder } from '../operator-order.ts';
import { decodeOperatorOrder } from '../operator-order.ts';
import type { TrustPolicy } from '../policy.ts';
import { ProofError } from '../proof-error.ts';
import type { PublicKey } from '../public-key.ts';
import type { Restoration } from '../restoration.ts';
import { decodeRestoration } from '../restoration.ts';
import type { EnrolmentRequest, SessionRequest, Signed, StatementPayload } from '../statement.ts';
import { decodeEnrolment, decodeSessionRequest, decodeStatement } from '../statement.ts';
import type { AnyTimeEvidence } from '../time-evidence.ts';
import { decodeAnyTimeEvidence } from '../time-evidence.ts';
import type { TlogProof } from '../tlog-proof.ts';
import type { Attest } from '../tpm-attest.ts';
import { parseAttest } from '../tpm-attest.ts';
import type { NvPublic, ObjectPublic, SigningPublic } from '../tpm-public.ts';
import { failed, unverifiable } from './finding.ts';
import { decodeGenesis } from './genesis.ts';
import type { SignatureQueue } from './signatures.ts';
import { decodeProfile, standingEvidence } from './time-items.ts';
import type { OrderedProfile, StandingEvidence } from './time-items.ts';

/** One entry of the bundle. */
export interface Item<E extends EntryHead = Entry> {
  readonly index: bigint;
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly entry: E;
}

export interface Genesis {
  readonly item: Item<EntryOf<'genesis'>>;
  readonly provisioning: ProvisioningRecord;
  readonly ledgerId: Uint8Array;
  readonly logKey: VerifierKey;
  readonly document: ApplianceDocument;
  readonly applianceId: Uint8Array;
  readonly ek: ObjectPublic;
  readonly ak: SigningPublic;
  readonly checkpointKey: SigningPublic;
  readonly checkpointKeyAttest: Attest;
  readonly counter: NvPublic;
  readonly extend: NvPublic | null;
}

export interface Enrolment {
  readonly item: Item<EntryOf<'agent.enrol'>>;
  readonly key: PublicKey;
  readonly proof: Signed<EnrolmentRequest>;
}

export interface Session {
  readonly item: Item<EntryOf<'session.open'>>;
  readonly request: Signed<SessionRequest>;
}

export interface Statement {
  readonly item: Item<EntryOf<'statement'>>;
  readonly signed: Signed<StatementPayload>;
}

export interface Action {
  readonly item: Item<EntryOf<'action'>>;
  readonly envelope: Envelope;
}

/** An attestation of an anchor, by the letter of SPEC.md §9. */
export interface AnchorAttest {
  readonly name: 'L' | 'R' | 'N' | 'quote' | 'extend';
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly attest: Attest;
}

/** A boot entry with its quote; null where it has none. */
export interface Boot {
  readonly item: Item<EntryOf<'boot'>>;
  readonly attest: Attest | null;
}

/** A restore entry, with what its order says. */
export interface Restore {
  readonly item: Item<EntryOf<'restore'>>;
  readonly order: OperatorOrder;
  readonly restoration: Restoration;
}

export interface Anchor {
  readonly item: Item<AnchorEntry>;
  readonly timeEvidence: AnyTimeEvidence;
  readonly checkpoint: Checkpoint;
  readonly left: AnchorAttest;
  readonly right: AnchorAttest;
  readonly counter: AnchorAttest;
  readonly quote: AnchorAttest | null;
  readonly extend: AnchorAttest | null;
}

/** What `decodeEvidence` starts from. */
export interface EvidenceSource {
  readonly bundle: Bundle;
  readonly proof: TlogProof;
  readonly policy: TrustPolicy;
  readonly signatures: SignatureQueue;
}

export class Evidence {
  readonly bundle: Bundle;
  readonly proof: TlogProof;
  readonly policy: TrustPolicy;
  readonly signatures: SignatureQueue;
  readonly subject: Item;
  /** Every entry of the bundle, the subject too, ascending by index. */
  readonly items: readonly Item[];
  readonly enrolments: readonly Enrolment[];
  readonly sessions: readonly Session[];
  readonly statements: readonly Statement[];
  readonly actions: readonly Action[];
  readonly boots: readonly Boot[];
  readonly anchors: readonly Anchor[];
  readonly restores: readonly Restore[];
  readonly profiles: readonly OrderedProfile[];
  /** Of version 2. */
  readonly timeEvidences: readonly StandingEvidence[];
  readonly agentHead: AgentHead | null;
  readonly #genesis: Genesis | undefined;

  /** @throws Finding `fail` naming the entry and the field that is malformed */
  constructor({ bundle, proof, policy, signatures }: EvidenceSource) {
    this.bundle = bundle;
    this.proof = proof;
    this.policy = policy;
    this.signatures = signatures;
    this.subject = decodeItem(proof.index, bundle.entry, proof.path);
    const others = bundle.others.map(({ index, entry, path }) => decodeItem(index, entry, path));
    this.items = [this.subject, ...others].sort((a, b) => (a.index < b.index ? -1 : 1));
    this.enrolments = this.#decodeAll('agent.enrol', decodeEnrolmentItem);
    this.sessions = this.#decodeAll('session.open', (item) => ({
      item,
      request: decodeSessionRequest(item.entry.request),
    }));
    this.statements = this.#decodeAll('statement', (item) => ({
      item,
      signed: decodeStatement(item.entry.statement),
    }));
    this.actions = this.#decodeAll('action', (item) => ({
      item,
      envelope: decodeEnvelope(item.entry.envelope),
    }));
    this.boots = this.#decodeAll('boot', (item) => ({
      item,
      attest: item.entry.bootQuote && parseAttest(item.entry.bootQuote.attest),
    }));
    const anchors = this.items.filter((item) => isAnchorItem(item));
    this.anchors = anchors.map((item) => inEntry(item, () => decodeAnchor(item)));
    this.restores = this.#decodeAll('restore', decodeRestore);
    this.profiles = this.#decodeAll('time.profile', decodeProfile);
    const told = this.#decodeAll('time-evidence', (item) => ({
      item,
      timeEvidence: decodeAnyTimeEvidence(item.entry.evidence),
    }));
    this.timeEvidences = [...told, ...this.anchors].flatMap(standingEvidence);
    this.#genesis = this.#decodeAll('genesis', decodeGenesis)[0];
    const head = bundle.agentHead;
    this.agentHead = head && inEntry(this.subject, () => decodeAgentHead(head.leaf));
  }

  /** The genesis entry. @throws Finding `unverifiable` when it is missing */
  get genesis(): Genesis {
    if (this.#genesis === undefined) throw unverifiable('the genesis entry is not in the bundle');
    return this.#genesis;
  }

  /** The subject as an action, or undefined when it is a system entry. */
  get subjectAction(): Action | undefined {
    return this.actions.find(({ item }) => item === this.subject);
  }

  /** The first anchor here that covers the subject. */
  get coveringAnchor(): Anchor | undefined {
    return this.anchors.find(
      ({ item }) => item !== this.subject && item.entry.size > this.subject.index,
    );
  }

  /**
   * The covering anchor and its predecessors, down to the last one before the subject as far as
   * they are here: that none of them but the first covers the subject makes it the first that does.
   */
  get anchorChain(): readonly Anchor[] {
    const chain: Anchor[] = [];
    let at = this.coveringAnchor;
    while (at !== undefined) {
      chain.push(at);
      const { index, entry } = at.item;
      if (index < this.subject.index) break;
      const before = this.anchorIndexBefore(entry.previousAnchorIndex);
      at = this.anchors.find(({ item }) => item.index === before && item.index < index);
    }
    return chain;
  }

  /**
   * Restore entries, the nearest first, that lead back from `previousIndex`, which an anchor names.
   */
  restoresFrom(previousIndex: bigint | null): readonly Restore[] {
    const found: Restore[] = [];
    let at = previousIndex;
    for (;;) {
      const restore = this.restores.find(({ item }) => item.index === at);
      // Each leads back to a lower index than its own, or it is not followed.
      if (restore === undefined || found.includes(restore)) return found;
      found.push(restore);
      at = restore.restoration.previousAnchorIndex;
    }
  }

  /** The index of the anchor before the one that names `previousIndex`, past restore entries. */
  anchorIndexBefore(previousIndex: bigint | null): bigint | null {
    const last = this.restoresFrom(previousIndex).at(-1);
    return last === undefined ? previousIndex : last.restoration.previousAnchorIndex;
  }

  /** The last anchor here that stands before the subject. */
  get anchorBefore(): Anchor | undefined {
    return this.anchors.findLast(({ item }) => item.index < this.subject.index);
  }

  /** Time evidence of version 2 in the entry at `index`, or undefined. */
  timeEvidenceAt(index: bigint | null): StandingEvidence | undefined {
    return this.timeEvidences.find(({ item }) => item.index === index);
  }

  itemAt(index: bigint): Item | undefined {
    return this.items.find((item) => item.index === index);
  }

  /** The session that an entry names. @throws Finding `unverifiable` when it is missing */
  sessionAt(index: bigint): Session {
    const session = this.sessions.find(({ item }) => item.index === index);
    if (session !== undefined) return session;
    throw unverifiable(`entry ${index}, a session.open, is not in the bundle`);
  }

  /** The enrolment of a session's agent. @throws Finding `unverifiable` when it is missing */
  enrolmentOf(session: Session): Enrolment {
    const { agentIndex } = session.item.entry;
    const enrolment = this.enrolments.find(({ item }) => item.index === agentIndex);
    if (enrolment !== undefined) return enrolment;
    throw unverifiable(`entry ${agentIndex}, an agent.enrol, is not in the bundle`);
  }

  /** The enrolment of the agent that signed in the subject, or undefined when none did. */
  get subjectEnrolment(): Enrolment | undefined {
    const { entry } = this.subject;
    switch (entry.kind) {
      case 'agent.enrol':
        return this.enrolments.find(({ item }) => item === this.subject);
      case 'session.open':
        return this.enrolments.find(({ item }) => item.index === entry.agentIndex);
      case 'statement':
      case 'action':
        return this.enrolmentOf(this.sessionAt(entry.sessionIndex));
      default:
        return undefined;
    }
  }

  /** The statement that covers an action, by session and sequence, or undefined. */
  findStatementOf(action: Action): Statement | undefined {
    const { sessionIndex, sequence } = action.item.entry;
    return this.statements.find(({ item, signed: { content } }) => {
      const end = content.firstSequence + BigInt(content.actionCount);
      const isCovered = sequence >= content.firstSequence && sequence < end;
      return item.entry.sessionIndex === sessionIndex && isCovered;
    });
  }

  /** The same. @throws Finding `unverifiable` when it is missing */
  statementOf(action: Action): Statement {
    const statement = this.findStatementOf(action);
    if (statement !== undefined) return statement;
    throw unverifiable(`the statement of action ${action.item.index} is not in the bundle`);
  }

  /** The action that `reference` names, or undefined. */
  findAction(reference: Reference): Action | undefined {
    return this.actions.find(({ item }) => {
      if (item.entry.sequence !== reference.sequence) return false;
      const session = this.itemAt(item.entry.sessionIndex);
      return session !== undefined && equalBytes(session.leafHash, reference.session);
    });
  }

  /** The later outcomes here, by the same agent, that name `action` as their intent. */
  outcomesOf(action: Action): Action[] {
    return this.actions.filter(
      (other) =>
        other.envelope.intent !== undefined &&
        this.findAction(other.envelope.intent) === action &&
        other.item.index > action.item.index &&
        this.areOfOneAgent(action, other),
    );
  }

  /** Whether one agent made both. @throws Finding `unverifiable` when a session is missing */
  areOfOneAgent(...actions: readonly [Action, Action]): boolean {
    const [one, other] = actions.map(({ item }) => this.sessionAt(item.entry.sessionIndex));
    return one?.item.entry.agentIndex === other?.item.entry.agentIndex;
  }

  #decodeAll<K extends EntryKind, T>(kind: K, decode: (item: Item<EntryOf<K>>) => T): T[] {
    const ofKind = this.items.filter(({ entry }) => entry.kind === kind);
    return ofKind.map((item) => inEntry(item, () => decode(item as unknown as Item<EntryOf<K>>)));
  }
}

function isAnchorItem(item: Item): item is Item<AnchorEntry> {
  return isAnchorEntry(item.entry);
}

function decodeItem(index: bigint, bytes: Uint8Array, path: readonly Uint8Array[]): Item {
  try {
    return { index, bytes, leafHash: leafHash(bytes), path, entry: decodeEntry(bytes) };
  } catch (error) {
    throw malformed(`entry ${index}`, error);
  }
}

function inEntry<T>(item: Item, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw malformed(`entry ${item.index} (${item.entry.kind})`, error);
  }
}

function malformed(what: string, error: unknown): unknown {
  return error instanceof ProofError
    ? failed(`${what} is malformed: ${error.message}`, error)
    : error;
}

function decodeEnrolmentItem(item: Item<EntryOf<'agent.enrol'>>): Enrolment {
  const { key, proofOfPossession } = item.entry;
  return { item, key: decodeCoseKey(key), proof: decodeEnrolment(proofOfPossession) };
}

function decodeAnchor(item: Item<AnchorEntry>): Anchor {
  const { evidence, checkpoint, left, right, counter, quote, extend } = item.entry;
  return {
    item,
    timeEvidence: decodeAnyTimeEvidence(evidence),
    checkpoint: parseCheckpoint(checkpoint),
    left: decodeAttest('L', left),
    right: decodeAttest('R', right),
    counter: decodeAttest('N', counter),
    quote: quote && decodeAttest('quote', quote),
    extend: extend && decodeAttest('extend', extend),
  };
}

function decodeRestore(item: Item<EntryOf<'restore'>>): Restore {
  const order = decodeOperatorOrder(item.entry.order);
  return { item, order, restoration: decodeRestoration(order.payload) };
}

function decodeAttest(
  name: AnchorAttest['name'],
  { attest, signature }: { attest: Uint8Array; signature: Uint8Array },
): AnchorAttest {
  return { name, bytes: attest, signature, attest: parseAttest(attest) };
}
