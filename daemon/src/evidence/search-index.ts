/**
 * Questions to the search index. Answers name places in the log and nothing more: whoever uses one
 * reads the entry and checks that it is what was asked for. Reads only; index-worker.ts writes.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { leafIndex, toSafeNumber, treeSize, type LeafIndex, type TreeSize } from '../base/units.ts';
import type { SearchQuery } from './search-query.ts';

export class SearchIndex {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  /** The file must have been made by the worker. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  close(): void {
    this.#database.close();
  }

  /** Entries indexed so far: those below this size. */
  size(): TreeSize {
    return treeSize(this.#one('SELECT size AS v FROM position') ?? 0n);
  }

  /**
   * Newest first. `agent` and `session` of the query are resolved here: an unknown one gives
   * nothing.
   */
  search(query: SearchQuery): LeafIndex[] {
    const where: string[] = [];
    const values: SQLInputValue[] = [];
    const also = (condition: string, ...bound: SQLInputValue[]): void => {
      where.push(condition);
      values.push(...bound);
    };
    if (query.agentId !== null) {
      also('agent = (SELECT idx FROM agent WHERE id = ?)', query.agentId);
    }
    if (query.session !== null) {
      also('session = (SELECT idx FROM session WHERE id = ?)', query.session);
    }
    if (query.kind !== null) also('kind = ?', query.kind);
    if (query.operation !== null) also('operation = ?', query.operation);
    if (query.tool !== null) also('tool = ?', query.tool);
    if (query.status !== null) also('status = ?', query.status);
    if (query.trace !== null) also('trace = ?', query.trace);
    if (query.externalId !== null) also('external = ?', query.externalId);
    if (query.sinceTaiNs !== null) also('tai_ns >= ?', query.sinceTaiNs);
    if (query.untilTaiNs !== null) also('tai_ns < ?', query.untilTaiNs);
    if (query.before !== null) also('idx < ?', BigInt(query.before));
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.#all(
      `SELECT idx AS v FROM action ${filter} ORDER BY idx DESC LIMIT ?`,
      ...values,
      query.limit,
    ).map(leafIndex);
  }

  actionAt(sessionId: Uint8Array, sequence: bigint): LeafIndex | null {
    return this.#index(
      `SELECT idx AS v FROM action
       WHERE session = (SELECT idx FROM session WHERE id = ?) AND sequence = ?`,
      sessionId,
      sequence,
    );
  }

  /** Newest action with this external id. */
  actionByExternalId(externalId: string): LeafIndex | null {
    return this.#index(
      'SELECT idx AS v FROM action WHERE external = ? ORDER BY idx DESC LIMIT 1',
      externalId,
    );
  }

  newestAction(): LeafIndex | null {
    return this.#index('SELECT idx AS v FROM action ORDER BY idx DESC LIMIT 1');
  }

  /**
   * First outcome after the intent at this place that names it, by the same agent: what others say
   * of it is no part of its evidence.
   */
  outcomeOf(sessionId: Uint8Array, sequence: bigint): LeafIndex | null {
    return this.#index(
      `SELECT outcome.idx AS v FROM action AS outcome
       JOIN action AS intent ON intent.agent = outcome.agent AND intent.idx < outcome.idx
       JOIN session ON session.idx = intent.session
       WHERE session.id = ?1 AND intent.sequence = ?2
         AND outcome.intent_session = ?1 AND outcome.intent_sequence = ?2
       ORDER BY outcome.idx LIMIT 1`,
      sessionId,
      sequence,
    );
  }

  /** The statement entry that the action at `index` of `session` belongs to. */
  statementOf(session: LeafIndex, index: LeafIndex): LeafIndex | null {
    return this.#index(
      'SELECT idx AS v FROM statement WHERE session = ? AND idx < ? ORDER BY idx DESC LIMIT 1',
      session,
      index,
    );
  }

  /** First anchor whose tree holds the entry at `index`. */
  anchorCovering(index: LeafIndex): LeafIndex | null {
    return this.#index(
      'SELECT idx AS v FROM anchor WHERE size > ? ORDER BY size, idx LIMIT 1',
      index,
    );
  }

  lastAnchorBelow(index: LeafIndex): LeafIndex | null {
    return this.#index(
      'SELECT idx AS v FROM anchor WHERE idx < ? ORDER BY idx DESC LIMIT 1',
      index,
    );
  }

  /** Each agent's last action below `size`, by agent id (SPEC.md §9, agentHeadsRoot). */
  lastActions(size: TreeSize): { agentId: string; action: LeafIndex; sessionNumber: number }[] {
    const heads = this.#statement(
      `SELECT agent.id AS id, action.idx AS idx, session.number AS number
       FROM agent
       JOIN action ON action.idx =
         (SELECT max(idx) FROM action WHERE agent = agent.idx AND idx < ?)
       JOIN session ON session.idx = action.session`,
    ).all(size);
    return heads.map((row) => ({
      agentId: String(row['id']),
      action: leafIndex(row['idx'] as bigint),
      sessionNumber: toSafeNumber(row['number'] as bigint),
    }));
  }

  #index(sql: string, ...values: SQLInputValue[]): LeafIndex | null {
    const found = this.#one(sql, ...values);
    return found === null ? null : leafIndex(found);
  }

  #one(sql: string, ...values: SQLInputValue[]): bigint | null {
    const row = this.#statement(sql).get(...values);
    return row === undefined ? null : (row['v'] as bigint);
  }

  #all(sql: string, ...values: SQLInputValue[]): bigint[] {
    return this.#statement(sql)
      .all(...values)
      .map((row) => row['v'] as bigint);
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    made.setReadBigInts(true);
    this.#prepared.set(sql, made);
    return made;
  }
}
