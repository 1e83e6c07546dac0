/** Questions to one sealed file of the search index. Opened on the first, and checked then. */
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { equalBytes } from '@kudurru/proof';

import { endOf, type IndexFile } from './files.ts';
import { sessionKeyOf, type ActionFilter, type IndexPart, type Outcome } from './questions.ts';
import { APPLICATION_ID, INDEX_VERSION, READ_PRAGMAS } from './schema.ts';
import { readOnlyUri } from './segment-writer.ts';

/** What a file says of itself. */
export interface SegmentFacts {
  readonly rows: number;
  /** No action is older than the one before it. */
  readonly isAscending: boolean;
  readonly lastLeafHash: Uint8Array;
  /** Times of the first action and the last; null for none. */
  readonly times: readonly [bigint, bigint] | null;
}

type Conditions = [sql: string, ...values: SQLInputValue[]][];

export class SegmentReader implements IndexPart {
  readonly first: number;
  readonly end: number;
  readonly facts: SegmentFacts;
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  /** @throws Error where it is not a file of this index, of this range and ledger */
  constructor(folder: string, file: IndexFile, ledgerId: Uint8Array) {
    this.first = file.first;
    this.end = endOf(file);
    this.#database = new DatabaseSync(readOnlyUri(join(folder, file.name)), { readOnly: true });
    try {
      this.#database.exec(READ_PRAGMAS);
      this.facts = this.#readFacts(file, ledgerId);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  search(filter: ActionFilter, limit: number): number[] {
    const [from, to] = this.#boundsOf(filter);
    if (from >= to) return [];
    const [index, conditions] = this.#conditionsOf(filter);
    conditions.push(['idx >= ?', from], ['idx < ?', to]);
    const where = conditions.map(([sql]) => sql).join(' AND ');
    // Within a session both orders are the same, and its index has them in this one.
    const order = index === 'action_place' ? 'sequence' : 'idx';
    const by = index === null ? 'NOT INDEXED' : `INDEXED BY ${index}`;
    return this.#all(
      `SELECT idx AS v FROM action ${by} WHERE ${where} ORDER BY ${order} DESC LIMIT ?`,
      ...conditions.flatMap(([, ...values]) => values),
      limit,
    );
  }

  sessionOf(id: Uint8Array): number | null {
    return this.#one('SELECT idx AS v FROM session WHERE id = ?', id);
  }

  actionAt(session: number, sequence: number): number | null {
    const sql = 'SELECT idx AS v FROM action WHERE session = ? AND sequence = ?';
    return this.#one(sql, session, sequence);
  }

  outcomeOf({ intent, agent, sessionId, sequence }: Outcome): number | null {
    return this.#one(
      `SELECT idx AS v FROM action INDEXED BY action_intent
       WHERE intent_session = ? AND intent_sequence = ? AND idx > ? AND agent = ?
       ORDER BY idx LIMIT 1`,
      sessionKeyOf(sessionId),
      sequence,
      intent,
      agent,
    );
  }

  anchorCovering(index: number): number | null {
    return this.#one('SELECT idx AS v FROM anchor WHERE size > ? ORDER BY idx LIMIT 1', index);
  }

  lastAnchorBelow(index: number): number | null {
    return this.#one('SELECT max(idx) AS v FROM anchor WHERE idx < ?', index);
  }

  lastActions(size: number): (readonly [number, number])[] {
    const heads =
      this.end <= size
        ? this.#statement('SELECT agent, idx AS v FROM head').all()
        : this.#statement(
            'SELECT agent, max(idx) AS v FROM action WHERE idx < ? GROUP BY agent',
          ).all(size);
    return heads.map((row) => [Number(row['agent']), Number(row['v'])] as const);
  }

  /** The index to walk, the most selective first, and all that must hold. */
  #conditionsOf(filter: ActionFilter): [string | null, Conditions] {
    const { trace, externalId, session, status, agent, tool, operation } = filter;
    const indexed: [string, SQLInputValue, string, string][] = [
      ['action_trace', trace, 'trace = ?', ''],
      ['action_external', externalId, 'external = ?', ''],
      ['action_place', session, 'session = ?', ''],
      ['action_trouble', status, 'status = ?', 'status > 1'],
      ['action_agent', agent, 'agent = ?', ''],
      ['action_tool', tool, 'tool = ?', ''],
      ['action_operation', operation, 'operation = ?', ''],
    ];
    const given = indexed.filter(([, value]) => value !== null);
    const [chosen] = given.filter(([name]) => name !== 'action_trouble' || Number(status) > 1);
    const conditions: Conditions = given.map(([, value, sql]) => [sql, value]);
    // The text of a partial index's own condition is what makes SQLite take it.
    if (chosen !== undefined && chosen[3] !== '') conditions.push([chosen[3]]);
    const { kind, sinceTaiNs, untilTaiNs } = filter;
    if (kind !== null) conditions.push(['kind = ?', kind]);
    if (sinceTaiNs !== null) conditions.push(['tai_ns >= ?', sinceTaiNs]);
    if (untilTaiNs !== null) conditions.push(['tai_ns < ?', untilTaiNs]);
    return [chosen?.[0] ?? null, conditions];
  }

  /** Where times ascend, a time is a place. */
  #boundsOf({ before, sinceTaiNs, untilTaiNs }: ActionFilter): [number, number] {
    const { isAscending, times } = this.facts;
    const end = before === null ? this.end : Math.min(this.end, before);
    if (!isAscending || times === null) return [this.first, end];
    const isAfter = sinceTaiNs !== null && times[1] < sinceTaiNs;
    if (isAfter || (untilTaiNs !== null && times[0] >= untilTaiNs)) return [end, end];
    const from = sinceTaiNs === null ? this.first : this.#firstNotBefore(sinceTaiNs);
    const to = untilTaiNs === null ? end : Math.min(end, this.#firstNotBefore(untilTaiNs));
    return [from, to];
  }

  #firstNotBefore(taiNs: bigint): number {
    const next = this.#statement(
      'SELECT idx AS v, tai_ns >= ? AS late FROM action WHERE idx >= ? ORDER BY idx LIMIT 1',
    );
    let [low, high] = [this.first, this.end];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = next.get(taiNs, middle);
      if (row === undefined || row['late'] === 1) high = middle;
      else low = Number(row['v']) + 1;
    }
    return low;
  }

  #readFacts({ name, first, count }: IndexFile, ledgerId: Uint8Array): SegmentFacts {
    const number = (pragma: string): unknown =>
      this.#database.prepare(`PRAGMA ${pragma}`).get()?.[pragma];
    const version = [number('application_id'), number('user_version')];
    if (version[0] !== APPLICATION_ID || version[1] !== INDEX_VERSION) {
      throw new Error(`"${name}" is of version ${version.join('/')}`);
    }
    const segment = this.#database.prepare('SELECT * FROM segment').get();
    const isOurs =
      segment?.['first'] === first &&
      segment['count'] === count &&
      equalBytes(segment['ledger'] as Uint8Array, ledgerId);
    if (!isOurs) throw new Error(`"${name}" is of another range or ledger than its name`);
    return {
      rows: Number(segment['rows']),
      isAscending: segment['is_ascending'] === 1,
      lastLeafHash: segment['last_leaf'] as Uint8Array,
      times: this.#readTimes(),
    };
  }

  #readTimes(): SegmentFacts['times'] {
    const at = (order: string): bigint | null => {
      const sql = `SELECT tai_ns AS v FROM action ORDER BY idx ${order} LIMIT 1`;
      const statement = this.#database.prepare(sql);
      statement.setReadBigInts(true);
      const value = statement.get()?.['v'];
      return typeof value === 'bigint' ? value : null;
    };
    const [first, last] = [at('ASC'), at('DESC')];
    return first === null || last === null ? null : [first, last];
  }

  #one(sql: string, ...values: SQLInputValue[]): number | null {
    const value = this.#statement(sql).get(...values)?.['v'];
    return typeof value === 'number' ? value : null;
  }

  #all(sql: string, ...values: SQLInputValue[]): number[] {
    return this.#statement(sql)
      .all(...values)
      .map((row) => Number(row['v']));
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#prepared.set(sql, made);
    return made;
  }
}
