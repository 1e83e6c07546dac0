/**
 * The published tile files against the log, in JavaScript: whole and partial, wrong, missing and
 * without business. The same findings as native/src/core/fsck/follow-up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatTilePath, TILE_HEIGHT, TILE_WIDTH, type NodeListener } from '@kudurru/proof';

import type { Finding } from '../finding.ts';

/** A tile as the log gives it so far: hashes of 32 bytes, or entries after their lengths. */
interface Tile {
  readonly level: number | 'entries';
  readonly index: bigint;
  readonly parts: Uint8Array[];
}

const width = BigInt(TILE_WIDTH);

export interface TileCheckOptions {
  readonly folder: string;
  readonly from: bigint;
  readonly publishedSize: bigint;
  readonly say: (finding: Finding) => void;
}

export class TileChecks {
  readonly #options: TileCheckOptions;
  readonly #hashes: (Tile | undefined)[] = [];
  #bundle: Tile = { level: 'entries', index: 0n, parts: [] };
  compared = 0n;

  constructor(options: TileCheckOptions) {
    this.#options = options;
  }

  /** Told of the tree's nodes, before the leaf is counted. */
  readonly onNode: NodeListener = (level, index, hash) => {
    if (level % TILE_HEIGHT !== 0) return;
    const at = level / TILE_HEIGHT;
    const tile = (this.#hashes[at] ??= { level: at, index: index / width, parts: [] });
    tile.parts.push(hash);
    if (tile.parts.length < TILE_WIDTH) return;
    this.#hashes[at] = undefined;
    const leavesEnd = (tile.index + 1n) << BigInt(TILE_HEIGHT * (at + 1));
    if (leavesEnd > this.#options.from) this.#compare(tile);
  };

  takeEntry(index: bigint, bytes: Uint8Array): void {
    this.#bundle.parts.push(Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes));
    if (this.#bundle.parts.length < TILE_WIDTH) return;
    if (index >= this.#options.from) this.#compare(this.#bundle);
    this.#bundle = { level: 'entries', index: this.#bundle.index + 1n, parts: [] };
  }

  /** The right edge. */
  finish(): void {
    for (const tile of [...this.#hashes, this.#bundle]) {
      if (tile !== undefined && tile.parts.length > 0) this.#compare(tile);
    }
  }

  #compare(tile: Tile): void {
    const path = formatTilePath({ level: tile.level, index: tile.index, width: TILE_WIDTH });
    const published = Math.min(this.#widthPublished(tile), tile.parts.length);
    const isFull = tile.parts.length === TILE_WIDTH;
    let isPublishedThere = this.#compareFile(path, tile, isFull ? TILE_WIDTH : 0);
    for (const name of list(join(this.#options.folder, `${path}.p`))) {
      const wide = /^[1-9][0-9]{0,2}$/u.test(name) && Number(name) < TILE_WIDTH ? Number(name) : 0;
      this.#compareFile(`${path}.p/${name}`, tile, wide);
      isPublishedThere ||= wide === published;
    }
    if (isPublishedThere || published === 0) return;
    const missing = published === TILE_WIDTH ? path : `${path}.p/${published}`;
    this.#say('tile-missing', missing, [0, 'the published checkpoint needs this file']);
  }

  /** Whether the file is there. */
  #compareFile(path: string, { parts }: Tile, wide: number): boolean {
    const bytes = read(join(this.#options.folder, path));
    if (bytes === null) return false;
    this.compared += 1n;
    if (wide === 0 || wide > parts.length) {
      this.#say('tile-unexpected', path, [0, 'the log has no such tile']);
      return true;
    }
    const expected = Buffer.concat(parts.slice(0, wide));
    if (bytes.equals(expected)) return true;
    const end = Math.min(bytes.length, expected.length);
    let at = 0;
    while (at < end && bytes[at] === expected[at]) at++;
    this.#say('tile-wrong', path, [at, 'the file is not what the entries give']);
    return true;
  }

  #widthPublished({ level, index }: Tile): number {
    const height = level === 'entries' ? 0 : TILE_HEIGHT * level;
    const hashes = (this.#options.publishedSize >> BigInt(height)) - index * width;
    if (hashes <= 0n) return 0;
    return hashes < width ? Number(hashes) : TILE_WIDTH;
  }

  #say(code: string, file: string, [offset, message]: readonly [number, string]): void {
    const place = { file, offset: BigInt(offset), record: null, entry: null };
    this.#options.say({ weight: 'rebuildable', code, ...place, message });
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function read(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
