/**
 * Makes one file of the search index, from rows or from smaller files. It has its name only when it
 * is whole: what a crash leaves is `building.sqlite`, which the next start removes. It is not
 * synced, for the journal's sake: should the power go, its digest tells, and it is made again.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import type { IndexRows } from '@kudurru/native';

import {
  BUILDING_NAME,
  digestOf,
  nameOf,
  removeFile,
  type IndexFile,
  type Range,
} from './files.ts';
import { ACTION_COLUMNS, BUILD_PRAGMAS, INDEXES, TABLES } from './schema.ts';

export interface SegmentOptions extends Range {
  readonly folder: string;
  readonly ledgerId: Uint8Array;
}

export const TRACE_BYTES = 16;
const PLACES = Array<string>(ACTION_COLUMNS).fill('?').join(', ');
/** True where no action is older than the one before it. */
const IS_ASCENDING = `
SELECT NOT EXISTS (
  SELECT 1 FROM (SELECT tai_ns - lag(tai_ns) OVER (ORDER BY idx) AS step FROM action) WHERE step < 0
) AS v`;

export class SegmentWriter {
  readonly #options: SegmentOptions;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #action: StatementSync;
  readonly #session: StatementSync;
  readonly #anchor: StatementSync;

  constructor(options: SegmentOptions) {
    this.#options = options;
    this.#path = join(options.folder, BUILDING_NAME);
    removeFile(options.folder, BUILDING_NAME);
    this.#database = new DatabaseSync(this.#path);
    this.#database.exec(BUILD_PRAGMAS + TABLES);
    this.#action = this.#database.prepare(`INSERT INTO action VALUES (${PLACES})`);
    this.#session = this.#database.prepare('INSERT INTO session VALUES (?, ?, ?)');
    this.#anchor = this.#database.prepare('INSERT INTO anchor VALUES (?, ?)');
  }

  /** The rows of one bundle, in their order. */
  add(rows: IndexRows, agentOf: (session: number) => number): void {
    if (!this.#database.isTransaction) this.#database.exec('BEGIN');
    for (let at = 0; at < rows.actions; at++) {
      this.#action.run(...rowValuesOf(rows, at, agentOf(rows.session[at] ?? 0)));
    }
    for (const { index, id, agent } of rows.sessions) this.#session.run(index, id, agent);
    for (const { index, size } of rows.anchors) this.#anchor.run(index, size);
  }

  /** All rows of another file, which is of the range right after what is here. */
  take(file: string): void {
    this.#database.prepare('ATTACH ? AS other').run(readOnlyUri(file));
    for (const table of ['session', 'anchor', 'action']) {
      this.#database.exec(`INSERT INTO ${table} SELECT * FROM other.${table} ORDER BY idx`);
    }
    this.#database.exec('DETACH other');
  }

  /**
   * Indexes the rows and gives the file its name.
   * @param lastLeafHash of the last entry of the range: ties the file to one history of the ledger
   * @param turn lets others go first, between two steps of at most a second
   */
  async seal(lastLeafHash: Uint8Array, turn: () => Promise<void>): Promise<IndexFile> {
    for (const sql of INDEXES) {
      this.#database.exec(sql);
      await turn();
    }
    const { ledgerId, first, count, folder } = this.#options;
    const rows = this.#number('SELECT count(*) AS v FROM action');
    const isAscending = this.#number(IS_ASCENDING);
    this.#database
      .prepare('INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)')
      .run(ledgerId, first, count, rows, isAscending, lastLeafHash);
    if (this.#database.isTransaction) this.#database.exec('COMMIT');
    this.#database.close();
    const file = nameOf(this.#options, await digestOf(this.#path, turn));
    renameSync(this.#path, join(folder, file.name));
    return file;
  }

  /** Nothing remains of it. */
  abandon(): void {
    if (this.#database.isOpen) this.#database.close();
    removeFile(this.#options.folder, BUILDING_NAME);
  }

  #number(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.['v']);
  }
}

/** A row of the table of actions, in the order of its columns. */
export function rowValuesOf(rows: IndexRows, at: number, agent: number): ActionValues {
  const text = (column: Uint32Array): string | null => rows.terms[(column[at] ?? 0) - 1] ?? null;
  const intentSequence = rows.intentSequence[at] ?? -1;
  const isOutcome = intentSequence >= 0;
  return [
    rows.index[at] ?? 0,
    rows.taiNs[at] ?? 0n,
    agent,
    rows.session[at] ?? 0,
    rows.sequence[at] ?? 0,
    rows.kind[at] ?? 0,
    rows.status[at] ?? 0,
    text(rows.operation),
    text(rows.tool),
    traceOf(rows, at),
    text(rows.externalId),
    isOutcome ? (rows.intentSession[at] ?? 0n) : null,
    isOutcome ? intentSequence : null,
  ];
}

type ActionValues = (number | bigint | string | Uint8Array | null)[];

/** A sealed file never changes: SQLite needs no locks, and makes no files beside it. */
export function readOnlyUri(path: string): string {
  return `file://${encodeURI(path).replaceAll('?', '%3f').replaceAll('#', '%23')}?immutable=1`;
}

/** Null where the action names none: a trace id is never all zero. */
function traceOf({ traceId }: IndexRows, at: number): Uint8Array | null {
  const trace = traceId.subarray(at * TRACE_BYTES, (at + 1) * TRACE_BYTES);
  return trace.some((byte) => byte !== 0) ? trace : null;
}
