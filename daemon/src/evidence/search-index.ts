/**
 * Questions to the search index, in the daemon's units. Answers name places in the log and nothing
 * more: whoever uses one reads the entry and checks that it is what was asked for.
 */
import { KudurruError, wrapError } from '../base/errors.ts';
import { leafIndex, type LeafIndex, type TreeSize } from '../base/units.ts';
import type { IndexFollower } from './index/follower.ts';
import type { Answer, Question, Search } from './index/questions.ts';
import type { SearchQuery } from './search-query.ts';

const ANY_ACTION = {
  agent: null,
  sessionId: null,
  kind: null,
  status: null,
  operation: null,
  tool: null,
  trace: null,
  sinceTaiNs: null,
  untilTaiNs: null,
  before: null,
};

/** A place within a session. */
export interface Place {
  readonly sessionId: Uint8Array;
  readonly sequence: bigint;
}

export interface Found {
  /** Newest first. */
  readonly places: readonly LeafIndex[];
  /** Entries not indexed yet that could be among them. */
  readonly unsearched: number;
}

/** Of one published tree. */
export class SearchIndex {
  readonly #follower: IndexFollower;
  readonly #size: TreeSize;

  constructor(follower: IndexFollower, size: TreeSize) {
    this.#follower = follower;
    this.#size = size;
  }

  /** @param agent the agent that the query names; null where it names none */
  async search(query: SearchQuery, agent: LeafIndex | null): Promise<Found> {
    const { agentId: _, session: sessionId, ...rest } = query;
    const search = { ...rest, sessionId, agent: agent === null ? null : Number(agent) };
    const { found, unsearched } = await this.#ask(() =>
      this.#follower.ask({ ask: 'search', search }, Number(this.#size)),
    );
    return { places: found.map(placeOf), unsearched };
  }

  /** Newest action with this external id. */
  newestNamed(externalId: string): Promise<LeafIndex | null> {
    const search: Search = { ...ANY_ACTION, externalId, limit: 1 };
    return this.#one({ ask: 'search', search });
  }

  actionAt({ sessionId, sequence }: Place): Promise<LeafIndex | null> {
    return this.#one({ ask: 'action-at', sessionId, sequence: Number(sequence) });
  }

  /**
   * First outcome after the intent that names it, by the same agent: what others say of it is no
   * part of its evidence.
   */
  outcomeOf(intent: LeafIndex, agent: LeafIndex, place: Place): Promise<LeafIndex | null> {
    const { sessionId } = place;
    const sequence = Number(place.sequence);
    const outcome = { intent: Number(intent), agent: Number(agent), sessionId, sequence };
    return this.#one({ ask: 'outcome-of', outcome });
  }

  /** First anchor whose tree holds the entry at `index`. */
  anchorCovering(index: LeafIndex): Promise<LeafIndex | null> {
    return this.#one({ ask: 'anchor-covering', index: Number(index) });
  }

  lastAnchorBelow(index: LeafIndex): Promise<LeafIndex | null> {
    return this.#one({ ask: 'last-anchor-below', index: Number(index) });
  }

  /** Each agent's last action below `size` (SPEC.md §9, agentHeadsRoot), as far as is indexed. */
  async lastActions(size: TreeSize): Promise<readonly LeafIndex[]> {
    const question: Question = { ask: 'last-actions', size: Number(size) };
    const answer = this.#ask(() => this.#follower.ask(question, Number(this.#size)));
    return (await answer).found.map(placeOf);
  }

  async allLastActions(size: TreeSize): Promise<readonly LeafIndex[]> {
    return (await this.#exact({ ask: 'last-actions', size: Number(size) })).map(placeOf);
  }

  async #one(question: Question): Promise<LeafIndex | null> {
    const [found] = await this.#exact(question);
    return found === undefined ? null : placeOf(found);
  }

  async #exact(question: Question): Promise<readonly number[]> {
    const { found, unsearched } = await this.#ask(() =>
      this.#follower.askAll(question, Number(this.#size)),
    );
    if (unsearched === 0) return found;
    throw new KudurruError(
      'not-ready',
      `not answered: the search index is ${unsearched} entries behind; ask again later`,
    );
  }

  async #ask(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (error) {
      throw wrapError('not-ready', 'the search index did not answer', error);
    }
  }
}

const placeOf = (index: number): LeafIndex => leafIndex(BigInt(index));
