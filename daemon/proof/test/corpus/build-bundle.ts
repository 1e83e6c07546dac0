/**
 * Builds the evidence bundle of one entry from whatever holds the log. It follows references only,
 * by the list that the verifier uses, and proves nothing: what it reads wrong, the verifier
 * refuses.
 */
import type { Bundle, Disclosure, LocatedEntry } from '../../src/bundle.ts';
import { encodeBundle } from '../../src/bundle.ts';
import { BASE_REFERENCE, evidenceReferencesOf, referencesOf } from '../../src/bundle-needs.ts';
import type { Entry, EntryOf } from '../../src/entry.ts';
import { decodeEntry, isAnchorEntry } from '../../src/entry.ts';
import { decodeEnvelope } from '../../src/envelope.ts';
import type { Reference } from '../../src/identifier.ts';
import { inclusionProof } from '../../src/merkle-proof.ts';
import { MerkleTree } from '../../src/merkle-tree.ts';
import { ProofError } from '../../src/proof-error.ts';
import { decodeStatement } from '../../src/statement.ts';
import { commitmentFieldNumber } from '../../src/commitment.ts';
import { formatTlogProof } from '../../src/tlog-proof.ts';
import { leafHash } from '../../src/merkle.ts';

type Awaitable<T> = T | Promise<T>;

/** A log as of one checkpoint. Indexes are below its size; `null` says that there is none. */
export interface BundleSource {
  /** The checkpoint's signed note; all proofs are in its tree. */
  readonly checkpoint: Uint8Array;
  entry(index: bigint): Awaitable<Uint8Array>;
  inclusionProof(index: bigint): Awaitable<readonly Uint8Array[]>;
  consistencyProof(oldSize: bigint): Awaitable<readonly Uint8Array[]>;
  /** Index of the first anchor entry whose size is above `index`. */
  coveringAnchor(index: bigint): Awaitable<bigint | null>;
  /** Index of the last anchor entry below `index`. */
  anchorBefore(index: bigint): Awaitable<bigint | null>;
  /** Index of the action that `reference` names. */
  actionAt(reference: Reference): Awaitable<bigint | null>;
  /** Indexes of the later outcomes, by the same agent, of the intent that `reference` names. */
  outcomesOf(reference: Reference): Awaitable<readonly bigint[]>;
  /** The agent's leaf under the agentHeadsRoot of the anchor at `anchorIndex`. */
  agentHead(anchorIndex: bigint, agentId: string): Awaitable<Bundle['agentHead']>;
}

/**
 * The bundle of the entry at `subject`, with `disclosures` of its private bytes.
 * @throws ProofError `bundle-invalid` when something that is needed is not in the log
 */
export async function buildBundle(
  source: BundleSource,
  subject: bigint,
  disclosures: readonly Disclosure[] = [],
): Promise<Uint8Array> {
  const gathering = new Gathering(source);
  await gathering.gather(subject, true);
  await gathering.gatherRest(subject);
  const covering = await source.coveringAnchor(subject);
  const before = await source.anchorBefore(subject);
  for (const index of [0n, before]) if (index !== null) await gathering.gather(index);
  await gathering.gatherAnchors(subject, covering);
  await gathering.gatherOutcomes(subject);
  return encodeBundle({
    version: 1,
    proof: formatTlogProof({
      index: subject,
      path: await source.inclusionProof(subject),
      checkpointBytes: source.checkpoint,
    }),
    entry: await source.entry(subject),
    others: await gathering.others(subject),
    consistency: covering === null ? [] : await gathering.consistencyFrom(covering),
    envelopePaths: await gathering.envelopePaths(subject),
    disclosures: [...disclosures].sort(compareDisclosures),
    agentHead: covering === null ? null : await gathering.agentHead(subject, covering),
  });
}

interface Gathered {
  readonly bytes: Uint8Array;
  readonly entry: Entry;
}

class Gathering {
  readonly #source: BundleSource;
  readonly #gathered = new Map<bigint, Gathered>();
  /** Index of the statement of each gathered action. */
  readonly #statements = new Map<bigint, bigint>();

  constructor(source: BundleSource) {
    this.#source = source;
  }

  async gather(index: bigint, isSubject = false): Promise<void> {
    if (this.#gathered.has(index)) return;
    const found = await this.#read(index);
    this.#gathered.set(index, found);
    for (const reference of referencesOf(found.entry, isSubject)) {
      await this.gather(reference.index);
      if (reference.field === 'timeEvidenceIndex') await this.gatherRest(reference.index);
    }
    if (found.entry.kind === 'action') await this.#gatherAction(index, found.entry);
  }

  /** What the time evidence at `index` rests on. */
  async gatherRest(index: bigint): Promise<void> {
    for (const reference of evidenceReferencesOf(this.#at(index).entry)) {
      await this.gather(reference.index);
      if (reference.field === BASE_REFERENCE) await this.gatherRest(reference.index);
    }
  }

  /** The anchor at `covering` and its predecessors, down to the first one before the subject. */
  async gatherAnchors(subject: bigint, covering: bigint | null): Promise<void> {
    let at = covering;
    while (at !== null) {
      await this.gather(at);
      const { entry } = this.#at(at);
      at = isAnchorEntry(entry) && at > subject ? entry.previousAnchorIndex : null;
    }
  }

  async gatherOutcomes(subject: bigint): Promise<void> {
    const { entry } = this.#at(subject);
    if (entry.kind !== 'action' || decodeEnvelope(entry.envelope).kind !== 'intent') return;
    for (const index of await this.#source.outcomesOf(this.#referenceTo(entry))) {
      await this.gather(index);
    }
  }

  async others(subject: bigint): Promise<LocatedEntry[]> {
    const indexes = this.#indexes().filter((index) => index !== subject);
    const others: LocatedEntry[] = [];
    for (const index of indexes) {
      const path = await this.#source.inclusionProof(index);
      others.push({ index, entry: this.#at(index).bytes, path });
    }
    return others;
  }

  async envelopePaths(subject: bigint): Promise<Bundle['envelopePaths']> {
    const actions = this.#indexes().filter((index) => this.#statements.has(index));
    const ordered = [
      ...actions.filter((index) => index === subject),
      ...actions.filter((index) => index !== subject),
    ];
    const paths: { index: bigint; path: readonly Uint8Array[] }[] = [];
    for (const index of ordered) paths.push({ index, path: await this.#envelopePath(index) });
    return paths;
  }

  async consistencyFrom(anchorIndex: bigint): Promise<readonly Uint8Array[]> {
    const { entry } = this.#at(anchorIndex);
    if (!isAnchorEntry(entry)) throw missing(`entry ${anchorIndex} is not an anchor`);
    return this.#source.consistencyProof(entry.size);
  }

  async agentHead(subject: bigint, anchorIndex: bigint): Promise<Bundle['agentHead']> {
    const { entry } = this.#at(subject);
    if (entry.kind !== 'action') return null;
    const session = this.#sessionOf(entry);
    const enrolment = this.#at(session.agentIndex).entry;
    if (enrolment.kind !== 'agent.enrol')
      throw missing(`entry ${session.agentIndex} enrols no agent`);
    return this.#source.agentHead(anchorIndex, enrolment.agentId);
  }

  async #gatherAction(index: bigint, entry: EntryOf<'action'>): Promise<void> {
    const statementIndex = await this.#statementBefore(index);
    this.#statements.set(index, statementIndex);
    await this.gather(statementIndex);
    const { intent } = decodeEnvelope(entry.envelope);
    if (intent === undefined) return;
    const target = await this.#source.actionAt(intent);
    if (target === null) throw missing(`the intent of outcome ${index} is not in the log`);
    await this.gather(target);
  }

  /** A statement's actions follow it at once, so it is the first statement entry going back. */
  async #statementBefore(index: bigint): Promise<bigint> {
    for (let at = index - 1n; at >= 0n; at -= 1n) {
      const { entry } = await this.#read(at);
      if (entry.kind === 'statement') return at;
      if (entry.kind !== 'action') break;
    }
    throw missing(`action ${index} has no statement before it`);
  }

  async #envelopePath(index: bigint): Promise<Uint8Array[]> {
    const statementIndex = this.#statements.get(index) as bigint;
    const statement = this.#at(statementIndex).entry as EntryOf<'statement'>;
    const { actionCount } = decodeStatement(statement.statement).content;
    const nodes = new Map<string, Uint8Array>();
    const tree = new MerkleTree((level, at, hash) => nodes.set(`${level}/${at}`, hash));
    for (let offset = 1n; offset <= BigInt(actionCount); offset += 1n) {
      const { entry } = await this.#read(statementIndex + offset);
      if (entry.kind !== 'action') throw missing(`statement ${statementIndex} lacks an action`);
      tree.append(entry.envelope);
    }
    return inclusionProof(index - statementIndex - 1n, tree.size, (level, at) => {
      return nodes.get(`${level}/${at}`) as Uint8Array;
    });
  }

  #referenceTo(entry: EntryOf<'action'>): Reference {
    return { session: leafHash(this.#at(entry.sessionIndex).bytes), sequence: entry.sequence };
  }

  #sessionOf(entry: EntryOf<'action'>): EntryOf<'session.open'> {
    const session = this.#at(entry.sessionIndex).entry;
    if (session.kind === 'session.open') return session;
    throw missing(`entry ${entry.sessionIndex} opens no session`);
  }

  #indexes(): bigint[] {
    return [...this.#gathered.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  #at(index: bigint): Gathered {
    return this.#gathered.get(index) as Gathered;
  }

  async #read(index: bigint): Promise<Gathered> {
    const known = this.#gathered.get(index);
    if (known !== undefined) return known;
    const bytes = await this.#source.entry(index);
    return { bytes, entry: decodeEntry(bytes) };
  }
}

function compareDisclosures(left: Disclosure, right: Disclosure): number {
  if (left.index !== right.index) return left.index < right.index ? -1 : 1;
  return commitmentFieldNumber(left.field) - commitmentFieldNumber(right.field);
}

function missing(reason: string): ProofError {
  return new ProofError('bundle-invalid', `bundle: ${reason}`);
}
