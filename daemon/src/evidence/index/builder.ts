/**
 * Keeps the folder of index files as it should be for the log that is published: drops what is of
 * another log, another version or damaged, builds what is missing, merges what is small.
 */
import { join } from 'node:path';

import { equalBytes, TILE_WIDTH } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import {
  checkShape,
  digestOf,
  endOf,
  listFolder,
  removeFile,
  type IndexFile,
  type Range,
} from './files.ts';
import type { FromBuilder, IndexWorkerData } from './messages.ts';
import { Stopped, type Turns } from './pace.ts';
import { nextJob, type Job } from './plan.ts';
import { PublishedRows, UnreadableBundle } from './published-rows.ts';
import { SegmentReader } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';

/** After an error that may pass, such as a full disk. */
const RETRY_PAUSE_MS = 1000;
/** Nothing to do: until somebody has news. */
const IDLE_MS = 60_000;
/** Where earlier versions kept the index, in the state folder. */
const FORMER_FILES = ['index.sqlite', 'index.sqlite-wal', 'index.sqlite-shm'];

export interface BuilderOptions extends IndexWorkerData {
  readonly turns: Turns;
  readonly nowMs: () => number;
  readonly tell: (message: FromBuilder) => void;
}

export class IndexBuilder {
  readonly #options: BuilderOptions;
  readonly #folder: string;
  readonly #published: PublishedRows;
  /** Files whose bytes have not been compared with their digests in this run. */
  readonly #unchecked = new Set<string>();
  #files: readonly IndexFile[] = [];
  #size = 0;
  #wanted: number | null = null;
  /** What was built last, or is. */
  #building: Range | null = null;
  #checkAtMs = 0;

  constructor(options: BuilderOptions) {
    checkShape(options.shape);
    this.#options = options;
    this.#folder = indexFolderOf(options.state);
    this.#published = new PublishedRows(options.state);
  }

  /** Everything below `size` is published. */
  follow(size: number): void {
    this.#size = Math.max(this.#size, size);
    this.#options.turns.nudge();
  }

  /** The file that will hold this entry comes next. */
  want(index: number): void {
    this.#wanted = index;
    this.#options.turns.nudge();
  }

  /** Somebody found the file that holds this entry to be wrong. */
  distrust(index: number, reason: string): void {
    const file = this.#files.find((each) => each.first <= index && index < endOf(each));
    if (file !== undefined) this.#drop(file, reason);
    this.#options.turns.nudge();
  }

  /** Until the turns are stopped. */
  async run(): Promise<void> {
    const { turns, tell } = this.#options;
    this.#begin();
    for (;;) {
      try {
        await this.#step();
      } catch (error) {
        if (error instanceof Stopped) return;
        tell({ kind: 'failed', reason: reasonOf(error), lacks: this.#lacksOf(error) });
        await turns.rest(RETRY_PAUSE_MS).catch(unlessStopped);
      }
    }
  }

  async #step(): Promise<void> {
    const { turns, shape, checkPauseMs, nowMs } = this.#options;
    await turns.take();
    const wanted = this.#wanted;
    this.#wanted = null;
    const job = nextJob({ files: this.#files, size: this.#size, shape, wanted });
    if (job !== null) return this.#do(job);
    const [unchecked] = this.#files.filter(({ name }) => this.#unchecked.has(name));
    const waitMs = this.#checkAtMs - nowMs();
    if (unchecked === undefined) return turns.rest(IDLE_MS);
    if (waitMs > 0) return turns.rest(waitMs);
    await this.#isWhole(unchecked);
    this.#checkAtMs = nowMs() + checkPauseMs;
  }

  /** The first bundle that is missing is seldom the only one. */
  #lacksOf(error: unknown): Range | null {
    if (!(error instanceof UnreadableBundle)) return null;
    const { first } = error;
    const isBuilt = this.#building !== null && first >= this.#building.first;
    const end = isBuilt && this.#building !== null ? endOf(this.#building) : first;
    return { first, count: Math.max(TILE_WIDTH, end - first) };
  }

  /** What an earlier run left: half-made files go, and all that is not of this very log. */
  #begin(): void {
    const { state, tell } = this.#options;
    for (const name of FORMER_FILES) removeFile(state, name);
    const { files, strays } = listFolder(this.#folder);
    for (const name of strays) removeFile(this.#folder, name);
    this.#files = files;
    for (const file of files) {
      const reason = this.#faultOf(file);
      if (reason === null) this.#unchecked.add(file.name);
      else this.#drop(file, reason);
    }
    tell({ kind: 'files', files: this.#files, gone: [] });
  }

  /** Null for a file that belongs to this log, as far as a look at its head can tell. */
  #faultOf(file: IndexFile): string | null {
    const { size, ledgerId } = this.#options;
    if (endOf(file) > size) return `"${file.name}" is of a log that was longer than ${size}`;
    try {
      const reader = new SegmentReader(this.#folder, file, ledgerId);
      reader.close();
      const { lastLeafHash } = this.#published.read(endOf(file) - TILE_WIDTH, size);
      if (equalBytes(reader.facts.lastLeafHash, lastLeafHash)) return null;
      return `"${file.name}" is of another history of this ledger`;
    } catch (error) {
      return reasonOf(error);
    }
  }

  async #do(job: Job): Promise<void> {
    const { folder, ledgerId } = { folder: this.#folder, ledgerId: this.#options.ledgerId };
    if (job.kind === 'merge') {
      for (const file of job.from) if (!(await this.#isWhole(file))) return;
    }
    const writer = new SegmentWriter({ ...job.range, folder, ledgerId });
    try {
      if (job.kind === 'build') await this.#build(writer, job.range);
      else await this.#merge(writer, job.from);
    } catch (error) {
      writer.abandon();
      throw error;
    }
  }

  async #build(writer: SegmentWriter, range: Range): Promise<void> {
    const { turns, tell } = this.#options;
    const size = this.#size;
    this.#building = range;
    let lastLeafHash = new Uint8Array();
    turns.takeBusyMs();
    for (let { first } = range; first < endOf(range); first += TILE_WIDTH) {
      const rows = this.#published.read(first, size);
      writer.add(rows, (session) => this.#published.agentOf(session, size));
      lastLeafHash = new Uint8Array(rows.lastLeafHash);
      await turns.take();
    }
    const file = await writer.seal(lastLeafHash, () => turns.take());
    tell({ kind: 'built', entries: range.count, busyMs: turns.takeBusyMs() });
    this.#put(file, []);
  }

  async #merge(writer: SegmentWriter, from: readonly IndexFile[]): Promise<void> {
    const { turns, ledgerId } = this.#options;
    let lastLeafHash = new Uint8Array();
    for (const file of from) {
      const reader = new SegmentReader(this.#folder, file, ledgerId);
      reader.close();
      lastLeafHash = new Uint8Array(reader.facts.lastLeafHash);
      writer.take(join(this.#folder, file.name));
      await turns.take();
    }
    const file = await writer.seal(lastLeafHash, () => turns.take());
    // One of them was found to be wrong meanwhile.
    if (from.some((each) => !this.#files.includes(each))) removeFile(this.#folder, file.name);
    else this.#put(file, from);
  }

  /** Its bytes are those that were written; else it is dropped. */
  async #isWhole(file: IndexFile): Promise<boolean> {
    if (!this.#unchecked.has(file.name)) return true;
    const digest = await digestOf(join(this.#folder, file.name), () => this.#options.turns.take());
    this.#unchecked.delete(file.name);
    if (digest === file.digest) return true;
    this.#drop(file, `"${file.name}" is not what was written`);
    return false;
  }

  #put(file: IndexFile, instead: readonly IndexFile[]): void {
    const others = this.#files.filter((each) => !instead.includes(each));
    this.#files = [...others, file].toSorted((a, b) => a.first - b.first);
    this.#options.tell({
      kind: 'files',
      files: this.#files,
      gone: instead.map(({ name }) => name),
    });
  }

  #drop(file: IndexFile, reason: string): void {
    const { tell } = this.#options;
    tell({ kind: 'rebuilding', reason });
    this.#files = this.#files.filter((each) => each !== file);
    this.#unchecked.delete(file.name);
    tell({ kind: 'files', files: this.#files, gone: [file.name] });
  }
}

export function indexFolderOf(state: string): string {
  return join(state, 'index');
}

function unlessStopped(error: unknown): void {
  if (!(error instanceof Stopped)) throw error;
}
