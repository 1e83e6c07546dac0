/**
 * The bytes of a published log: from its files, and where one is missing or not of its form, from
 * the ledger, which makes it again. Nothing is given that no signed checkpoint covers.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatTilePath, TILE_WIDTH, tileWidth, type TileName } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export interface LogSource {
  /** Holds `tile/`. */
  readonly folder: string;
  /** Entries that a signed checkpoint covers, each durable before anybody saw it. */
  coveredSize(): bigint;
  /** Written too where it is full. Takes its turn among what the ledger does. */
  remake(name: TileName): Promise<Uint8Array>;
  readonly log: Log;
}

/** Files made again at the same time: each is a place in the ledger's queue, before commits. */
const remakesMax = 4;

const hashSizeBytes = 32;

export class LogFiles {
  readonly #source: LogSource;
  #remakes = 0;

  constructor(source: LogSource) {
    this.#source = source;
  }

  /** @throws KudurruError `not-found` */
  requireCovered(name: TileName): void {
    if (name.width <= this.#widthOf(name)) return;
    throw new KudurruError(
      'not-found',
      `"${formatTilePath(name)}" not given: the checkpoint covers ${this.#source.coveredSize()} ` +
        'entries, and it lies beyond them',
    );
  }

  /** @throws KudurruError `not-found`, `not-ready`, `ledger-failed` */
  async read(name: TileName): Promise<Uint8Array> {
    this.requireCovered(name);
    const isFullByNow = this.#widthOf(name) === TILE_WIDTH;
    const kept = name.width < TILE_WIDTH && isFullByNow ? { ...name, width: TILE_WIDTH } : name;
    // A partial file stays until its tile is full.
    return (
      (await this.#readFile(kept, name.width)) ??
      (kept === name ? null : await this.#readFile(name, name.width)) ??
      (await this.#remake(name))
    );
  }

  #widthOf({ level, index }: TileName): number {
    return tileWidth(level === 'entries' ? 0 : level, index, this.#source.coveredSize());
  }

  /** The first `width` of what the file holds; null where there is none that is of its form. */
  async #readFile(kept: TileName, width: number): Promise<Uint8Array | null> {
    const path = formatTilePath(kept);
    try {
      const bytes = await readFile(join(this.#source.folder, path));
      const sizeBytes = sizeOfFirst(bytes, kept, width);
      if (sizeBytes !== null) return bytes.subarray(0, sizeBytes);
      this.#source.log.warning('file of the log is damaged, made again', { path });
    } catch (error) {
      // What cannot be read is as good as missing, and the ledger has it.
      if (!isMissing(error)) this.#source.log.error('file of the log not read', error, { path });
    }
    return null;
  }

  async #remake(name: TileName): Promise<Uint8Array> {
    if (this.#remakes >= remakesMax) {
      throw new KudurruError('not-ready', 'the ledger makes other files again: try again later');
    }
    this.#remakes += 1;
    try {
      return await this.#source.remake(name);
    } finally {
      this.#remakes -= 1;
    }
  }
}

/** Bytes of the first `width` hashes or entries of a file; null where it is not of its form. */
function sizeOfFirst(bytes: Uint8Array, kept: TileName, width: number): number | null {
  if (kept.level !== 'entries') {
    return bytes.length === kept.width * hashSizeBytes ? width * hashSizeBytes : null;
  }
  let at = 0;
  let sizeBytes = 0;
  for (let entries = 0; entries < kept.width; entries++) {
    if (entries === width) sizeBytes = at;
    if (at + 2 > bytes.length) return null;
    at += 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  }
  if (at !== bytes.length) return null;
  return width === kept.width ? at : sizeBytes;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
