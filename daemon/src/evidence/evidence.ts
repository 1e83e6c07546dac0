/**
 * The evidence stage: finds entries and hands out bundles. The index behind it is never trusted:
 * hits are read again from the ledger, references are followed in the entries themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import {
  decodeEntry,
  decodeEnvelope,
  entryToJson,
  equalBytes,
  leafHash,
  type JsonObject,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex, type LeafIndex, type TreeSize } from '../base/units.ts';
import { contradiction } from './contradiction.ts';
import { buildBundle } from './bundle-builder.ts';
import { IndexFollower } from './index-follower.ts';
import type { LedgerReader, SignedHead } from './ledger-reader.ts';
import { SearchIndex } from './search-index.ts';
import { matchesQuery, type FoundAction } from './search-match.ts';
import { parseSearchQuery } from './search-query.ts';

export interface EvidenceOptions {
  /** The SQLite file; made when it is not there. */
  readonly indexPath: string;
  /** Folder of the published tiles. */
  readonly tilesFolder: string;
  readonly ledger: LedgerReader;
  /** Publishes the newest durable tree; its size. */
  readonly publish: () => Promise<TreeSize>;
  /** Makes an agent id of a bare name. */
  readonly agentIdOf: (name: string) => string;
  readonly log: Log;
}

/** How long a question waits for the index to catch up; the answer says how far it was. */
const catchUpTimeoutMs = 2000;

/** How a subject is named: by index, by place in a session, or by external id. */
export type SubjectName =
  | { readonly index: number }
  | { readonly session: Uint8Array; readonly sequence: number }
  | { readonly externalId: string };

export interface SearchAnswer {
  readonly hits: readonly JsonObject[];
  /** Entries the index had read when it answered: newer ones are not among the hits. */
  readonly indexed: number;
}

/** Who acts in a session. */
type Maker = Pick<FoundAction, 'sessionId' | 'agentId'>;

export class Evidence {
  readonly #options: EvidenceOptions;
  readonly #follower: IndexFollower;
  #places: SearchIndex | null = null;

  constructor(options: EvidenceOptions) {
    this.#options = options;
    this.#follower = new IndexFollower(
      { path: options.indexPath, tiles: options.tilesFolder },
      options.log,
      () => this.#forget(),
    );
  }

  /** Everything below `size` has been published as tiles. */
  follow(size: TreeSize): void {
    this.#follower.follow(size);
  }

  get indexedSize(): TreeSize {
    return this.#follower.size;
  }

  /** Newest first. @throws KudurruError `request-malformed`, `index-contradicts` */
  async search(query: URLSearchParams): Promise<SearchAnswer> {
    const parsed = parseSearchQuery(query, this.#options.agentIdOf);
    await this.#catchUp();
    const places = await this.#open();
    const hits: JsonObject[] = [];
    const makers = new Map<bigint, Promise<Maker>>();
    for (const index of places.search(parsed)) {
      const found = await this.#readAction(index, makers);
      if (!matchesQuery(found, parsed)) throw contradiction(`entry ${index} is no answer`);
      hits.push({ index: Number(index), ...entryToJson(found.entry) });
    }
    return { hits, indexed: Number(this.#follower.size) };
  }

  /** @throws KudurruError `not-found` */
  async locate(subject: SubjectName): Promise<LeafIndex> {
    if ('index' in subject) return leafIndex(BigInt(subject.index));
    await this.#catchUp();
    const places = await this.#open();
    const found =
      'externalId' in subject
        ? places.actionByExternalId(subject.externalId)
        : places.actionAt(subject.session, BigInt(subject.sequence));
    if (found === null) throw new KudurruError('not-found', 'no action of that name is indexed');
    if (!isNamed(await this.#readAction(found), subject)) {
      throw contradiction(`entry ${found} is another than was asked for`);
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
    await this.#follower.reached(head.size);
    const places = await this.#open();
    return buildBundle(subject, { ledger: this.#options.ledger, places, head, disclose });
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
    this.#forget();
  }

  /** @param makers of sessions already read, by the session's index */
  async #readAction(
    index: LeafIndex,
    makers = new Map<bigint, Promise<Maker>>(),
  ): Promise<FoundAction> {
    const entry = decodeEntry(await this.#options.ledger.readEntry(index));
    if (entry.kind !== 'action') throw contradiction(`the entry at ${index} is no action`);
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

  /** Whoever asks after a receipt finds what it was given for, unless the index is far behind. */
  async #catchUp(): Promise<void> {
    const size = await this.#options.publish();
    if (size > this.#follower.size) this.follow(size);
    const timeout = new AbortController();
    await Promise.race([
      this.#follower.reached(size),
      sleep(catchUpTimeoutMs, undefined, { signal: timeout.signal }).catch(ignoreAbort),
    ]);
    timeout.abort();
  }

  /** The worker makes the file; it is there once the worker has said so. */
  async #open(): Promise<SearchIndex> {
    await this.#follower.ready();
    this.#places ??= new SearchIndex(this.#options.indexPath);
    return this.#places;
  }

  #forget(): void {
    this.#places?.close();
    this.#places = null;
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

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}
