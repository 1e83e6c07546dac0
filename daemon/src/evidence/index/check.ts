/**
 * The search index compared with the log, for fsck: every file, every row. Nothing here is
 * evidence: what is found wrong may be deleted, the daemon makes it again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import { indexRows, type IndexRows } from '@kudurru/native';
import { compareBytes, equalBytes, formatEntryBundle, TILE_WIDTH } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import { indexFolderOf } from './builder.ts';
import { digestOf, endOf, listFolder, type IndexFile } from './files.ts';
import { SegmentReader } from './segment-reader.ts';
import { readOnlyUri, rowValuesOf } from './segment-writer.ts';

export interface IndexCheckOptions {
  /** State folder. */
  readonly state: string;
  readonly ledgerId: Uint8Array;
  /** Entries of the log. */
  readonly size: number;
  /** Entries `first` … `first + count − 1`, as the journal has them. */
  readonly readEntries: (first: number, count: number) => Promise<readonly Uint8Array[]>;
  /** Entries compared since it was told last. */
  readonly onProgress?: (entries: number) => void;
}

export interface IndexFinding {
  /** Within the state folder. */
  readonly path: string;
  /** What is wrong, in words; in every case the file may be deleted. */
  readonly problem: string;
}

export interface IndexReport {
  readonly files: number;
  /** Entries that the files hold. */
  readonly entries: number;
  readonly findings: readonly IndexFinding[];
}

/** Changes nothing. One finding a file: the first. */
export async function checkIndex(options: IndexCheckOptions): Promise<IndexReport> {
  const folder = indexFolderOf(options.state);
  if (!existsSync(folder)) return { files: 0, entries: 0, findings: [] };
  const { files, strays } = listFolder(folder);
  const findings = strays.map((name) => finding(name, 'is no file of the index'));
  let entries = 0;
  for (const file of files) {
    const problem = await new FileCheck(folder, file, options).run();
    if (problem !== null) findings.push(finding(file.name, problem));
    entries += file.count;
  }
  return { files: files.length, entries, findings };
}

const finding = (name: string, problem: string): IndexFinding => ({
  path: join('index', name),
  problem,
});

class FileCheck {
  readonly #path: string;
  readonly #folder: string;
  readonly #file: IndexFile;
  readonly #options: IndexCheckOptions;
  readonly #agents = new Map<number, number>();

  constructor(folder: string, file: IndexFile, options: IndexCheckOptions) {
    this.#folder = folder;
    this.#path = join(folder, file.name);
    this.#file = file;
    this.#options = options;
  }

  /** Null where all is as it should be. */
  async run(): Promise<string | null> {
    const { size } = this.#options;
    if (endOf(this.#file) > size) return `is of a log that was longer than ${size}`;
    try {
      const digest = await digestOf(this.#path, () => Promise.resolve());
      if (digest !== this.#file.digest) return 'is not what was written: its digest is another';
      return await this.#compare();
    } catch (error) {
      return `cannot be read: ${reasonOf(error)}`;
    }
  }

  async #compare(): Promise<string | null> {
    const reader = new SegmentReader(this.#folder, this.#file, this.#options.ledgerId);
    reader.close();
    const database = new DatabaseSync(readOnlyUri(this.#path), { readOnly: true });
    try {
      const check = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
      if (check !== 'ok') return `is damaged: ${String(check)}`;
      const { difference, lastLeafHash } = await this.#compareRows(database);
      if (difference !== null) return difference;
      return equalBytes(lastLeafHash, reader.facts.lastLeafHash)
        ? null
        : 'is of another history of this ledger';
    } finally {
      database.close();
    }
  }

  async #compareRows(
    database: DatabaseSync,
  ): Promise<{ readonly difference: string | null; readonly lastLeafHash: Uint8Array }> {
    const { first } = this.#file;
    const tables = {
      action: rangeOf(database, 'action'),
      session: rangeOf(database, 'session'),
      anchor: rangeOf(database, 'anchor'),
    };
    const heads = new Map<number, number>();
    let lastLeafHash = new Uint8Array();
    for (let at = first; at < endOf(this.#file); at += TILE_WIDTH) {
      const rows = await this.#rowsAt(at);
      const actions: Row[] = [];
      for (let place = 0; place < rows.actions; place++) {
        const agent = await this.#agentOf(rows.session[place] ?? 0);
        heads.set(agent, rows.index[place] ?? 0);
        actions.push(rowValuesOf(rows, place, agent));
      }
      const wrong =
        differenceIn(tables.action, at, actions) ??
        differenceIn(
          tables.session,
          at,
          rows.sessions.map((row) => [row.index, row.id, row.agent]),
        ) ??
        differenceIn(
          tables.anchor,
          at,
          rows.anchors.map((row) => [row.index, row.size]),
        );
      if (wrong !== null) return { difference: wrong, lastLeafHash };
      lastLeafHash = new Uint8Array(rows.lastLeafHash);
      this.#options.onProgress?.(TILE_WIDTH);
    }
    const found = database.prepare('SELECT agent, idx FROM head ORDER BY agent').all();
    const expected = [...heads].toSorted(([one], [other]) => one - other);
    const isSame =
      found.length === expected.length &&
      found.every(
        (row, at) => row['agent'] === expected[at]?.[0] && row['idx'] === expected[at]?.[1],
      );
    return { difference: isSame ? null : 'says another last action of an agent', lastLeafHash };
  }

  async #rowsAt(first: number): Promise<IndexRows> {
    const entries = await this.#options.readEntries(first, TILE_WIDTH);
    const rows = indexRows(first, formatEntryBundle(entries));
    for (const { index, agent } of rows.sessions) this.#agents.set(index, agent);
    return rows;
  }

  async #agentOf(session: number): Promise<number> {
    const known = this.#agents.get(session);
    if (known !== undefined) return known;
    const [opened] = indexRows(
      session,
      formatEntryBundle(await this.#options.readEntries(session, 1)),
    ).sessions;
    if (opened === undefined) throw new Error(`no session was opened at index ${session}`);
    this.#agents.set(session, opened.agent);
    return opened.agent;
  }
}

type Value = number | bigint | string | Uint8Array | null;
type Row = readonly Value[];

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
): string | null {
  const found = table.all(first, first + TILE_WIDTH) as unknown as readonly Row[];
  for (let at = 0; at < Math.max(found.length, expected.length); at++) {
    const [one, other] = [found[at], expected[at]];
    const [there, due] = [Number(one?.[0] ?? Infinity), Number(other?.[0] ?? Infinity)];
    if (there > due) return `lacks entry ${due}`;
    if (there < due) return `has a row for entry ${there}, which has none`;
    if (one?.every((value, column) => isSame(value, other?.[column] ?? null)) !== true) {
      return `says of entry ${due} what the log does not`;
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
