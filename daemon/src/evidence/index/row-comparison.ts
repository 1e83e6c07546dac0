/**
 * One sealed file of the search index, row by row against the bundles that it was made of. Steps of
 * a bundle each, so that whoever compares can do something else between them.
 */
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import type { IndexRows } from '@kudurru/native';
import { compareBytes, equalBytes, TILE_WIDTH } from '@kudurru/proof';

import { endOf, type IndexFile } from './files.ts';
import type { PublishedRows } from './published-rows.ts';
import { INDEXES, TABLES } from './schema.ts';
import { SegmentReader, type SegmentFacts } from './segment-reader.ts';
import { readOnlyUri, rowValuesOf } from './segment-writer.ts';

/** The first one of a file. */
export interface Difference {
  /** Null where it is not of one entry. */
  readonly entry: number | null;
  /** What the file does, in words: "lacks entry 5". */
  readonly problem: string;
}

export interface ComparisonOptions {
  /** Of the index files. */
  readonly folder: string;
  readonly file: IndexFile;
  readonly ledgerId: Uint8Array;
  readonly published: PublishedRows;
  /** Entries that are published: those of the file are among them. */
  readonly size: number;
}

export class RowComparison {
  readonly #options: ComparisonOptions;
  readonly #facts: SegmentFacts;
  readonly #database: DatabaseSync;
  readonly #action: StatementSync;
  readonly #session: StatementSync;
  readonly #anchor: StatementSync;
  /** The last action of each agent. */
  readonly #heads = new Map<number, number>();
  #lastLeafHash = new Uint8Array();
  #at: number;
  #rows = 0;
  #lastTaiNs = 0n;
  #isAscending = true;

  /** @throws Error where it is not a file of this index, of this range and ledger */
  constructor(options: ComparisonOptions) {
    const { folder, file, ledgerId } = options;
    this.#options = options;
    this.#at = file.first;
    const reader = new SegmentReader(folder, file, ledgerId);
    this.#facts = reader.facts;
    reader.close();
    this.#database = new DatabaseSync(readOnlyUri(join(folder, file.name)), { readOnly: true });
    this.#action = rangeOf(this.#database, 'action');
    this.#session = rangeOf(this.#database, 'session');
    this.#anchor = rangeOf(this.#database, 'anchor');
  }

  /** All bundles of the file were compared. */
  get isAtEnd(): boolean {
    return this.#at >= endOf(this.#options.file);
  }

  close(): void {
    this.#database.close();
  }

  /** The rows of the next bundle. @throws UnreadableBundle */
  step(): Difference | null {
    const { published, size } = this.#options;
    const at = this.#at;
    const rows = published.read(at, size);
    this.#at += TILE_WIDTH;
    this.#lastLeafHash = new Uint8Array(rows.lastLeafHash);
    return (
      differenceIn(this.#action, at, this.#actionsOf(rows)) ??
      differenceIn(
        this.#session,
        at,
        rows.sessions.map((row) => [row.index, row.id, row.agent]),
      ) ??
      differenceIn(
        this.#anchor,
        at,
        rows.anchors.map((row) => [row.index, row.size]),
      )
    );
  }

  /** What the file says of all its rows together. */
  end(): Difference | null {
    const problem = this.#problemOfWhole();
    return problem === null ? null : { entry: null, problem };
  }

  #problemOfWhole(): string | null {
    const { rows, isAscending, lastLeafHash } = this.#facts;
    if (!equalBytes(lastLeafHash, this.#lastLeafHash)) return 'is of another history of the ledger';
    if (rows !== this.#rows || !this.#hasOnlyTheseRows())
      return 'has rows of no entry of its range';
    if (isAscending && !this.#isAscending) return 'says that its times ascend, and they do not';
    if (!this.#hasHeads()) return 'says another last action of an agent';
    if (schemaOf(this.#database) !== schemaDue())
      return 'has other tables and indexes than it should';
    const check = this.#database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    return check === 'ok' ? null : `is damaged: ${String(check)}`;
  }

  #actionsOf(rows: IndexRows): Row[] {
    const { published, size } = this.#options;
    const actions: Row[] = [];
    for (let place = 0; place < rows.actions; place++) {
      const agent = published.agentOf(rows.session[place] ?? 0, size);
      const taiNs = rows.taiNs[place] ?? 0n;
      if (taiNs < this.#lastTaiNs) this.#isAscending = false;
      this.#lastTaiNs = taiNs;
      this.#heads.set(agent, rows.index[place] ?? 0);
      actions.push(rowValuesOf(rows, place, agent));
    }
    this.#rows += actions.length;
    return actions;
  }

  /** Of the range of the file, the steps have seen all. */
  #hasOnlyTheseRows(): boolean {
    const { first } = this.#options.file;
    const end = endOf(this.#options.file);
    return ['action', 'session', 'anchor'].every((table) => {
      const sql = `SELECT 1 FROM ${table} WHERE idx < ? OR idx >= ? LIMIT 1`;
      return this.#database.prepare(sql).get(first, end) === undefined;
    });
  }

  #hasHeads(): boolean {
    const found = this.#database.prepare('SELECT agent, idx FROM head ORDER BY agent').all();
    const due = [...this.#heads].toSorted(([one], [other]) => one - other);
    return (
      found.length === due.length &&
      found.every(({ agent, idx }, at) => agent === due[at]?.[0] && idx === due[at]?.[1])
    );
  }
}

type Value = number | bigint | string | Uint8Array | null;
type Row = readonly Value[];

/** What SQLite keeps of the statements that made a file. */
function schemaOf(database: DatabaseSync): string {
  return JSON.stringify(
    database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all(),
  );
}

let due: string | null = null;

function schemaDue(): string {
  if (due !== null) return due;
  const database = new DatabaseSync(':memory:');
  database.exec(`${TABLES}${INDEXES.join(';')}`);
  due = schemaOf(database);
  database.close();
  return due;
}

function rangeOf(database: DatabaseSync, table: string): StatementSync {
  const rows = database.prepare(`SELECT * FROM ${table} WHERE idx >= ? AND idx < ? ORDER BY idx`);
  rows.setReadBigInts(true);
  rows.setReturnArrays(true);
  return rows;
}

/** Null where the rows of one bundle's range are these. */
function differenceIn(
  table: StatementSync,
  first: number,
  expected: readonly Row[],
): Difference | null {
  const found = table.all(first, first + TILE_WIDTH) as unknown as readonly Row[];
  for (let at = 0; at < Math.max(found.length, expected.length); at++) {
    const [one, other] = [found[at], expected[at]];
    const [there, due] = [Number(one?.[0] ?? Infinity), Number(other?.[0] ?? Infinity)];
    if (there > due) return { entry: due, problem: `lacks entry ${due}` };
    if (there < due) {
      return { entry: there, problem: `has a row for entry ${there}, which has none` };
    }
    if (one?.every((value, column) => isSame(value, other?.[column] ?? null)) !== true) {
      return { entry: due, problem: `says of entry ${due} what the log does not` };
    }
  }
  return null;
}

function isSame(found: Value, expected: Value): boolean {
  if (found instanceof Uint8Array && expected instanceof Uint8Array) {
    return compareBytes(found, expected) === 0;
  }
  return typeof found === 'bigint' && expected !== null && !(expected instanceof Uint8Array)
    ? found === BigInt(expected)
    : found === expected;
}
