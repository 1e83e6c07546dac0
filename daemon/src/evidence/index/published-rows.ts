/** Rows of published entry bundles, read from the disk when they are wanted and kept by nobody. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { indexRows, type IndexRows } from '@kudurru/native';
import { formatTilePath, TILE_WIDTH } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';

/** Sessions whose agent is kept in memory; more open ones than this are read again in turn. */
const SESSIONS_KNOWN_MAX = 65_536;

/** The bundle is missing, or not of its form: the ledger can make it again. */
export class UnreadableBundle extends Error {
  readonly first: number;

  constructor(first: number, why: string) {
    super(`bundle of the entries from ${first} on cannot be read: ${why}`);
    this.first = first;
  }
}

export class PublishedRows {
  readonly #folder: string;
  /** The agent of a session, both by the index of their entries. */
  readonly #agents = new Map<number, number>();

  /** @param folder holds `tile/` */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Of the bundle whose first entry stands at `first`, as it is in the tree of `size` or a later
   * one. @throws UnreadableBundle
   */
  read(first: number, size: number): IndexRows {
    const width = Math.min(TILE_WIDTH, size - first);
    const rows = this.#rowsOf(first, width);
    if (rows.entries < width) {
      throw new UnreadableBundle(first, `it has ${rows.entries} entries, not ${width}`);
    }
    for (const { index, agent } of rows.sessions) this.#keep(index, agent);
    return rows;
  }

  /** @param size of a published tree that holds the session's entry */
  agentOf(session: number, size: number): number {
    const known = this.#agents.get(session);
    if (known !== undefined) return known;
    const { sessions } = this.read(session - (session % TILE_WIDTH), size);
    const opened = sessions.find(({ index }) => index === session);
    if (opened === undefined) throw new Error(`no session was opened at index ${session}`);
    return opened.agent;
  }

  /** There is a full bundle at `first`, readable or not. */
  has(first: number): boolean {
    return existsSync(this.#pathOf(first, TILE_WIDTH));
  }

  #rowsOf(first: number, width: number): IndexRows {
    try {
      return indexRows(first, this.#bundle(first, width));
    } catch (error) {
      throw new UnreadableBundle(first, reasonOf(error));
    }
  }

  #pathOf(first: number, width: number): string {
    const place = { level: 'entries', index: BigInt(first / TILE_WIDTH), width } as const;
    return join(this.#folder, formatTilePath(place));
  }

  /** A partial bundle goes when it is full, and then the full one is there. */
  #bundle(first: number, width: number): Uint8Array {
    const read = (wanted: number): Uint8Array => readFileSync(this.#pathOf(first, wanted));
    if (width === TILE_WIDTH) return read(width);
    try {
      return read(width);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return read(TILE_WIDTH);
    }
  }

  #keep(session: number, agent: number): void {
    const [oldest] = this.#agents.keys();
    if (this.#agents.size >= SESSIONS_KNOWN_MAX && oldest !== undefined) {
      this.#agents.delete(oldest);
    }
    this.#agents.set(session, agent);
  }
}
