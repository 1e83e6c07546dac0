/**
 * The published log as files (c2sp.org/tlog-tiles): `checkpoint` and `tile/` in the state folder.
 * Nothing of it is trusted: a proof made from it is checked before it is handed out.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  formatEntryBundle,
  parseCheckpoint,
  parseEntryBundle,
  TILE_WIDTH,
  TileReader,
  verifyConsistency,
  type TreeHead,
} from '@kudurru/proof';

import { EXIT, Failure } from './exit-code.ts';

const HASH_SIZE_BYTES = 32;
const ENTRIES = 'tile/entries/';

export class PublishedLog {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The newest published checkpoint; every tile it needs is there. Null before the first. */
  async newest(): Promise<Uint8Array | null> {
    try {
      return await this.#read('checkpoint');
    } catch (error) {
      if (isMissingFile(error)) return null;
      throw error;
    }
  }

  /** The newest published checkpoint, where there must be one. */
  async checkpoint(): Promise<Uint8Array> {
    const newest = await this.newest();
    if (newest !== null) return newest;
    throw new Failure(EXIT.foundBad, `no log is published in "${this.#folder}"`, {
      code: 'not-found',
    });
  }

  /** Consistency proof from the tree `older` to that of the signed note `checkpoint`. */
  async grownSince(older: TreeHead, checkpoint: Uint8Array): Promise<Uint8Array[]> {
    const { origin, size, root } = parseCheckpoint(checkpoint);
    const contradiction = (why: string): Failure =>
      new Failure(EXIT.foundBad, `the log has not grown from OLD: ${why}`, {
        code: 'log-inconsistent',
      });
    if (older.origin !== origin) throw contradiction(`OLD is of the log "${older.origin}"`);
    if (older.size > size) {
      throw contradiction(`OLD has ${older.size} entries, the published log ${size}`);
    }
    const path = await new TileReader((file) => this.tile(file), size).consistencyProof(older.size);
    const claim = { oldSize: older.size, oldRoot: older.root, newSize: size, newRoot: root };
    if (!verifyConsistency(claim, path)) throw contradiction('the two trees contradict each other');
    return path;
  }

  /**
   * A tile or entry bundle by its path. Where a partial one is gone, the log has grown past it: the
   * full one begins with the same hashes or entries.
   */
  async tile(file: string): Promise<Uint8Array> {
    const [full = '', width] = file.split('.p/');
    try {
      return await this.#read(file);
    } catch (error) {
      if (!isMissingFile(error) || width === undefined) throw error;
    }
    const bytes = await this.#read(full);
    if (!full.startsWith(ENTRIES)) return bytes.subarray(0, Number(width) * HASH_SIZE_BYTES);
    return formatEntryBundle(parseEntryBundle(bytes, TILE_WIDTH).slice(0, Number(width)));
  }

  async #read(file: string): Promise<Uint8Array> {
    return new Uint8Array(await readFile(join(this.#folder, file)));
  }
}

export function isMissingFile(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
