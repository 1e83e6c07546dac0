/**
 * The search index compared with the log, for fsck: every file, every row, against the published
 * bundles. Nothing here is evidence: what is found wrong may be removed, the daemon makes it again.
 * Of the log no more than a bundle is in memory.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { TILE_WIDTH } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import { indexFolderOf } from './builder.ts';
import {
  BUILDING_NAME,
  digestOf,
  endOf,
  entriesOf,
  gapsOf,
  INDEX_SHAPE,
  listFolder,
  parseName,
  type IndexFile,
  type IndexShape,
  type Range,
} from './files.ts';
import { PublishedRows, UnreadableBundle } from './published-rows.ts';
import { RowComparison, type Difference } from './row-comparison.ts';

export interface IndexCheckOptions {
  /** State folder. */
  readonly state: string;
  readonly ledgerId: Uint8Array;
  /** Entries of the log. */
  readonly size: number;
  readonly shape?: IndexShape;
  /** Files that were there before the log was read: these cannot hold more than it. */
  readonly known?: ReadonlySet<string>;
  /** False for a file whose bundles are not known to be right: its digest alone is compared. */
  readonly comparesRows?: (range: Range) => boolean;
  /** Entries compared in all, and those that the files hold; many times a second. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the check early. */
  readonly isStopped?: () => boolean;
}

/** Bundles of rows, or megabytes of a digest: a few hundredths of a second. */
const TURN_EVERY = 16;

export interface IndexFinding {
  readonly code: 'index-wrong' | 'index-missing' | 'index-unexpected';
  /** Within the state folder; of the folder itself where a file is missing. */
  readonly path: string;
  /** Of the first difference; null where it is not of one. */
  readonly entry: number | null;
  /** What is wrong, in words. */
  readonly problem: string;
}

export interface IndexReport {
  readonly files: number;
  /** Entries whose rows were compared. */
  readonly entries: number;
  /** Ended by `isStopped` otherwise. */
  readonly isComplete: boolean;
  /** One a file: the first. */
  readonly findings: readonly IndexFinding[];
}

/** Changes nothing. */
export function checkIndex(options: IndexCheckOptions): Promise<IndexReport> {
  return new IndexCheck(options).run();
}

/** Names of the files that are there now. */
export function namesOfIndex(state: string): ReadonlySet<string> {
  const folder = indexFolderOf(state);
  if (!existsSync(folder)) return new Set();
  return new Set(listFolder(folder).files.map(({ name }) => name));
}

class IndexCheck {
  readonly #options: IndexCheckOptions;
  readonly #folder: string;
  readonly #published: PublishedRows;
  readonly #findings: IndexFinding[] = [];
  #files: readonly IndexFile[] = [];
  #entries = 0;
  #turns = 0;

  constructor(options: IndexCheckOptions) {
    this.#options = options;
    this.#folder = indexFolderOf(options.state);
    this.#published = new PublishedRows(options.state);
  }

  async run(): Promise<IndexReport> {
    if (existsSync(this.#folder)) this.#list();
    for (const file of this.#files) {
      if (this.#isStopped()) break;
      const difference = await this.#differenceOf(file);
      if (difference !== null) this.#say('index-wrong', file.name, difference);
    }
    const isComplete = !this.#isStopped();
    if (isComplete) this.#sayMissing();
    const findings = this.#findings;
    return { files: this.#files.length, entries: this.#entries, isComplete, findings };
  }

  #list(): void {
    const { files, strays } = listFolder(this.#folder);
    this.#files = files;
    for (const name of strays) {
      // Half-made, or merged into a larger one: the daemon removes these by itself.
      if (name === BUILDING_NAME || parseName(name) !== null) continue;
      this.#say('index-unexpected', name, { entry: null, problem: 'is no file of the index' });
    }
  }

  /** Null where all is as it should be. */
  async #differenceOf(file: IndexFile): Promise<Difference | null> {
    const { size, known, comparesRows = () => true } = this.#options;
    const isBeyond = endOf(file) > size;
    if (isBeyond && known?.has(file.name) !== false) {
      return { entry: null, problem: `is of a log that was longer than ${size}` };
    }
    const path = join(this.#folder, file.name);
    try {
      const digest = await digestOf(path, () => this.#turn());
      const compares = !isBeyond && comparesRows(file);
      const difference = compares ? await this.#rowsOf(file) : null;
      if (digest === file.digest) return difference;
      const problem = 'is not what was written: its digest is another';
      if (difference === null) return { entry: null, problem };
      return { entry: difference.entry, problem: `${problem}; it ${difference.problem}` };
    } catch (error) {
      // A running daemon merges files and removes those that it took them from.
      if (!existsSync(path)) return null;
      throw error;
    }
  }

  async #rowsOf(file: IndexFile): Promise<Difference | null> {
    try {
      return await this.#compareRows(file);
    } catch (error) {
      return { entry: null, problem: `cannot be read: ${reasonOf(error)}` };
    }
  }

  /** Null, too, where the bundles cannot be read, or somebody stops the check. */
  async #compareRows(file: IndexFile): Promise<Difference | null> {
    const { ledgerId, size } = this.#options;
    const published = this.#published;
    const comparison = new RowComparison({ folder: this.#folder, file, ledgerId, published, size });
    try {
      while (!comparison.isAtEnd) {
        const difference = comparison.step();
        if (difference !== null) return difference;
        this.#entries += TILE_WIDTH;
        await this.#turn();
        if (this.#isStopped()) return null;
      }
      return comparison.end();
    } catch (error) {
      if (error instanceof UnreadableBundle) return null;
      throw error;
    } finally {
      comparison.close();
    }
  }

  /** The newest two segments are in the daemon's memory; the others should each have a file. */
  #sayMissing(): void {
    const { size, shape: { segment } = INDEX_SHAPE } = this.#options;
    const end = size - (size % segment) - segment;
    for (const { first, count } of gapsOf(this.#files, 0, end)) {
      const problem = `has no file of the entries ${first} to ${first + count - 1}`;
      this.#findings.push({ code: 'index-missing', path: 'index', entry: first, problem });
    }
  }

  #say(code: IndexFinding['code'], name: string, { entry, problem }: Difference): void {
    this.#findings.push({ code, path: join('index', name), entry, problem });
  }

  #isStopped(): boolean {
    return this.#options.isStopped?.() === true;
  }

  /** Lets signals and the progress line have their turn. */
  async #turn(): Promise<void> {
    this.#turns += 1;
    if (this.#turns % TURN_EVERY !== 0) return;
    await new Promise<void>(setImmediate);
    this.#options.onProgress?.(this.#entries, entriesOf(this.#files));
  }
}
