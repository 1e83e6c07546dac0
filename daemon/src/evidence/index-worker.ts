/**
 * The worker that writes the search index: reads the published entry bundles from where it stopped
 * and inserts what they hold, a bounded number of rows a transaction. Started by index-follower.ts.
 *
 * A file that is no index of this version, or is damaged, is removed and built again from index 0.
 */
import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

import { TileReader } from '@kudurru/proof';

import { reasonOf } from '../base/errors.ts';
import type { FromWorker, IndexWorkerData, ToWorker } from './index-messages.ts';
import { indexRows, type IndexRow } from './index-row.ts';
import { INDEX_PRAGMAS, INDEX_SCHEMA, INDEX_VERSION } from './index-schema.ts';

/** Entries a transaction: a few milliseconds of work, after which a stop is seen. */
const ENTRIES_PER_TRANSACTION = 2048n;

const COLUMNS: Readonly<Record<IndexRow['table'], number>> = {
  entry: 3,
  agent: 2,
  session: 4,
  statement: 4,
  anchor: 3,
  action: 13,
};

class IndexWriter {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #inserts: Readonly<Record<string, StatementSync>>;
  readonly #agents = new Map<bigint, bigint>();
  #size: bigint;

  constructor(path: string) {
    this.#path = path;
    this.#database = openDatabase(path);
    this.#inserts = Object.fromEntries(
      Object.entries(COLUMNS).map(([table, columns]) => {
        const places = Array(columns).fill('?').join(', ');
        return [table, this.#database.prepare(`INSERT INTO ${table} VALUES (${places})`)];
      }),
    );
    this.#size = this.#number('SELECT size AS v FROM position') ?? 0n;
  }

  get size(): bigint {
    return this.#size;
  }

  /** One transaction: all of these rows, or none. */
  add(entries: readonly Uint8Array[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      let index = this.#size;
      for (const bytes of entries) {
        for (const row of indexRows(index, bytes, (session) => this.#agentOf(session))) {
          this.#inserts[row.table]?.run(...row.values);
        }
        index += 1n;
      }
      this.#database.prepare('UPDATE position SET size = ?').run(index);
      this.#database.exec('COMMIT');
      this.#size = index;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** The same index, empty: for a log that is shorter than what was indexed. */
  renewed(): IndexWriter {
    this.close();
    removeDatabase(this.#path);
    return new IndexWriter(this.#path);
  }

  close(): void {
    this.#database.close();
  }

  #agentOf(session: bigint): bigint {
    const known = this.#agents.get(session);
    if (known !== undefined) return known;
    const agent = this.#number('SELECT agent AS v FROM session WHERE idx = ?', session);
    if (agent === null) throw new Error(`no session was opened at index ${session}`);
    if (this.#agents.size >= 4096) this.#agents.clear();
    this.#agents.set(session, agent);
    return agent;
  }

  #number(sql: string, ...values: bigint[]): bigint | null {
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    const row = statement.get(...values);
    return row === undefined ? null : (row['v'] as bigint);
  }
}

function openDatabase(path: string): DatabaseSync {
  if (existsSync(path)) {
    const found = openExisting(path);
    if (found !== null) return found;
    removeDatabase(path);
  }
  const database = new DatabaseSync(path);
  database.exec(INDEX_PRAGMAS + INDEX_SCHEMA);
  return database;
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

/**
 * Null where the file is damaged or of another version: SQLite says so in many ways, all the same
 * to us.
 */
function openExisting(path: string): DatabaseSync | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    database.exec(INDEX_PRAGMAS);
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    const check = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (version === INDEX_VERSION && check === 'ok') return database;
    tell({ kind: 'rebuilding', reason: `version ${String(version)}, check ${String(check)}` });
  } catch (error) {
    tell({ kind: 'rebuilding', reason: reasonOf(error) });
  }
  database?.close();
  return null;
}

/** Told to stop: what is not indexed yet is indexed after the next start. */
let isStopping = false;

async function follow(writer: IndexWriter, tiles: string, size: bigint): Promise<void> {
  const reader = new TileReader((path) => readFile(join(tiles, path)), size);
  while (writer.size < size && !isStopping) {
    const left = size - writer.size;
    const end = writer.size + (left < ENTRIES_PER_TRANSACTION ? left : ENTRIES_PER_TRANSACTION);
    const entries: Uint8Array[] = [];
    for await (const entry of reader.entries(writer.size, end)) entries.push(entry);
    writer.add(entries);
    tell({ kind: 'indexed', size: writer.size });
  }
}

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function start({ path, tiles }: IndexWorkerData): void {
  // Linux has a priority for each thread: this one's own, and intake goes first.
  setPriority(constants.priority.PRIORITY_LOW);
  let writer = new IndexWriter(path);
  tell({ kind: 'indexed', size: writer.size });
  let running: Promise<void> = Promise.resolve();
  parentPort?.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') {
      isStopping = true;
      void running.then(() => {
        writer.close();
        parentPort?.close();
      });
      return;
    }
    running = running.then(async () => {
      try {
        if (message.size < writer.size) {
          tell({ kind: 'rebuilding', reason: `the log has ${message.size} entries only` });
          writer = writer.renewed();
        }
        await follow(writer, tiles, message.size);
      } catch (error) {
        tell({ kind: 'failed', reason: reasonOf(error) });
      }
    });
  });
}

start(workerData as IndexWorkerData);
