/**
 * The evidence stage: finds entries and hands out bundles. The index behind it is never trusted:
 * hits are read again from the ledger, references are followed in the entries themselves.
 */
import {
  decodeEntry,
  decodeEnvelope,
  entryToJson,
  equalBytes,
  leafHash,
  TILE_WIDTH,
  type JsonObject,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex, treeSize, type LeafIndex, type TreeSize } from '../base/units.ts';
import { Contradiction, contradiction } from './contradiction.ts';
import { buildBundle } from './bundle-builder.ts';
import { INDEX_SHAPE, type IndexShape } from './index/files.ts';
import { IndexFollower, type IndexLag } from './index/follower.ts';
import type { LedgerReader, SignedHead } from './ledger-reader.ts';
import { SearchIndex } from './search-index.ts';
import { matchesQuery, type FoundAction } from './search-match.ts';
import { parseSearchQuery } from './search-query.ts';
import { findTimeHistory, parseTimeHistoryQuery, type TimeHistoryAnswer } from './time-history.ts';

export interface EvidenceOptions {
  /** State folder: the index is made in it, the published tiles are read. */
  readonly state: string;
  readonly ledgerId: Uint8Array;
  readonly ledger: LedgerReader;
  /** Of the newest durable tree. */
  readonly size: () => TreeSize;
  /** Everything below this size can be read from its tiles afterwards. */
  readonly publish: (size: TreeSize) => Promise<void>;
  /** Writes the full entry bundle of this number again, from the journal. */
  readonly remake: (bundle: bigint) => Promise<unknown>;
  /** Index of the enrolment of the agent with this id; null where there is none. */
  readonly agentIndexOf: (agentId: string) => LeafIndex | null;
  /** Makes an agent id of a bare name. */
  readonly agentIdOf: (name: string) => string;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
  readonly shape?: IndexShape;
  readonly log: Log;
}

/** How a subject is named: by index, by place in a session, or by external id. */
export type SubjectName =
  | { readonly index: number }
  | { readonly session: Uint8Array; readonly sequence: number }
  | { readonly externalId: string };

export interface SearchAnswer {
  readonly hits: readonly JsonObject[];
  /** Entries that can be found. */
  readonly indexed: number;
  /** Entries not indexed yet that could be among the hits: 0 says that these are all. */
  readonly unsearched: number;
  /** How long they will take, as fast as it went last; null where that is not known. */
  readonly catchUpMs: number | null;
}

/** Who acts in a session. */
type Maker = Pick<FoundAction, 'sessionId' | 'agentId'>;

export class Evidence {
  readonly #options: EvidenceOptions;
  readonly #follower: IndexFollower;

  constructor(options: EvidenceOptions) {
    const { state, ledgerId, nowMs, log, shape = INDEX_SHAPE } = options;
    this.#options = options;
    this.#follower = new IndexFollower({
      state,
      ledgerId,
      size: () => Number(options.size()),
      publish: (size) => options.publish(treeSize(BigInt(size))),
      remake: async (first) => {
        await options.remake(BigInt(first / TILE_WIDTH));
      },
      nowMs,
      shape,
      log,
    });
  }

  /** Everything below `size` has been published as tiles. */
  follow(size: TreeSize): void {
    this.#follower.follow(Number(size));
  }

  indexLag(): IndexLag {
    return this.#follower.lag();
  }

  /** Newest first. @throws KudurruError `request-malformed`, `index-contradicts`, `not-ready` */
  async search(query: URLSearchParams): Promise<SearchAnswer> {
    const parsed = parseSearchQuery(query, this.#options.agentIdOf);
    const agent = parsed.agentId === null ? null : this.#options.agentIndexOf(parsed.agentId);
    const isOfNobody = parsed.agentId !== null && agent === null;
    const { places, unsearched } = isOfNobody
      ? { places: [], unsearched: 0 }
      : await (await this.#newest()).search(parsed, agent);
    const hits: JsonObject[] = [];
    const makers = new Map<bigint, Promise<Maker>>();
    for (const index of places) {
      const found = await this.#readAction(index, makers);
      if (!matchesQuery(found, parsed)) this.#distrust(index, `entry ${index} is no answer`);
      hits.push({ index: Number(index), ...entryToJson(found.entry) });
    }
    const { entriesBehind, catchUpMs } = this.#follower.lag();
    const indexed = Number(this.#options.size()) - entriesBehind;
    return { hits, indexed, unsearched, catchUpMs };
  }

  /** Of the log's time evidence, newest first. @throws KudurruError `request-malformed` */
  async timeHistory(query: URLSearchParams): Promise<TimeHistoryAnswer> {
    const { state, ledger, publish } = this.#options;
    const asked = parseTimeHistoryQuery(query);
    const size = this.#options.size();
    await publish(size);
    return findTimeHistory(asked, { state, ledger, size });
  }

  /** @throws KudurruError `not-found` */
  async locate(subject: SubjectName): Promise<LeafIndex> {
    if ('index' in subject) return leafIndex(BigInt(subject.index));
    const index = await this.#newest();
    const found =
      'externalId' in subject
        ? await index.newestNamed(subject.externalId)
        : await index.actionAt({
            sessionId: subject.session,
            sequence: BigInt(subject.sequence),
          });
    if (found === null) throw new KudurruError('not-found', 'no action of that name is indexed');
    if (!isNamed(await this.#readAction(found), subject)) {
      this.#distrust(found, `entry ${found} is another than was asked for`);
    }
    return found;
  }

  /**
   * @param head a checkpoint over a published tree that holds an anchor covering the subject
   * @throws KudurruError `not-found`, `not-anchored`, `index-contradicts`
   */
  async bundle(
    subject: LeafIndex,
    { head, disclose }: { readonly head: SignedHead; readonly disclose: boolean },
  ): Promise<Uint8Array> {
    const places = new SearchIndex(this.#follower, head.size);
    try {
      return await buildBundle(subject, { ledger: this.#options.ledger, places, head, disclose });
    } catch (error) {
      if (error instanceof Contradiction) this.#report(error);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
  }

  /** @param makers of sessions already read, by the session's index */
  async #readAction(
    index: LeafIndex,
    makers = new Map<bigint, Promise<Maker>>(),
  ): Promise<FoundAction> {
    const entry = decodeEntry(await this.#options.ledger.readEntry(index));
    if (entry.kind !== 'action') this.#distrust(index, `the entry at ${index} is no action`);
    const { sessionIndex } = entry;
    const maker = makers.get(sessionIndex) ?? this.#readMaker(leafIndex(sessionIndex));
    makers.set(sessionIndex, maker);
    return { index, entry, ...(await maker) };
  }

  async #readMaker(sessionIndex: LeafIndex): Promise<Maker> {
    const { ledger } = this.#options;
    const opened = await ledger.readEntry(sessionIndex);
    const session = decodeEntry(opened);
    if (session.kind !== 'session.open') throw contradiction(`no session at ${sessionIndex}`);
    const agent = decodeEntry(await ledger.readEntry(leafIndex(session.agentIndex)));
    if (agent.kind !== 'agent.enrol') throw contradiction(`no agent at ${session.agentIndex}`);
    return { sessionId: leafHash(opened), agentId: agent.agentId };
  }

  /** Whoever asks after a receipt finds what it was given for. */
  async #newest(): Promise<SearchIndex> {
    const size = this.#options.size();
    await this.#options.publish(size);
    return new SearchIndex(this.#follower, size);
  }

  /** @throws KudurruError `index-contradicts`, always; what gave the entry is made again */
  #distrust(index: LeafIndex, why: string): never {
    const error = contradiction(why, index);
    this.#report(error);
    throw error;
  }

  #report({ index, message }: Contradiction): void {
    if (index !== null) this.#follower.distrust(Number(index), message);
  }
}

function isNamed(
  { entry, sessionId }: FoundAction,
  subject: Exclude<SubjectName, { readonly index: number }>,
): boolean {
  if ('externalId' in subject) {
    return decodeEnvelope(entry.envelope).externalId?.id === subject.externalId;
  }
  return equalBytes(sessionId, subject.session) && entry.sequence === BigInt(subject.sequence);
}
