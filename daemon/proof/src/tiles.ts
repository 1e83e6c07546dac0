/**
 * Reading a tiled log (c2sp.org/tlog-tiles) through a `fetch` of its files, trusting none of them.
 * Proofs built from tiles are checked by whoever uses them; `auditTiles` reads the whole log and
 * proves that entries, every tile and the root belong together.
 */
import { concatBytes, equalBytes, viewOf } from './bytes.ts';
import type { LeafRange } from './merkle-proof.ts';
import { foldRight, nodesOfRange, planConsistency, planInclusion } from './merkle-proof.ts';
import { emptyRoot, rootOfLeafHashes } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';
import { ProofError } from './proof-error.ts';
import { HASH_SIZE_BYTES } from './sha256.ts';
import { formatTilePath, TILE_HEIGHT, TILE_WIDTH, type TileName, tileWidth } from './tile-path.ts';

/** Longest entry that fits the u16 length prefix of an entry bundle. */
export const TILE_ENTRY_SIZE_BYTES_MAX = 65_535;

/** Reads one file of the log by its path below the prefix; rejects when there is none. */
export type TileFetch = (path: string) => Promise<Uint8Array>;

/** A file of a tile, and how many hashes or entries it has to have. */
interface TileFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly width: number;
}

/**
 * Reads a tree of `size` leaves; every tile that such a tree needs must be there. Of a partial one
 * the full file will do: a log that has grown since may have taken the partial file away.
 */
export class TileReader {
  readonly size: bigint;
  readonly #fetch: TileFetch;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(fetch: TileFetch, size: bigint) {
    this.#fetch = fetch;
    this.size = size;
  }

  /** Root hash, from the tiles along the right edge. */
  async root(): Promise<Uint8Array> {
    if (this.size === 0n) return emptyRoot();
    return this.#hashOf({ start: 0n, end: this.size });
  }

  /**
   * Inclusion proof of the leaf at `index`. @throws ProofError `tree-malformed`, `tile-mismatch`
   */
  async inclusionProof(index: bigint): Promise<Uint8Array[]> {
    return this.#hashesOf(planInclusion(index, this.size));
  }

  /** Consistency proof from `oldSize`. @throws ProofError `tree-malformed`, `tile-mismatch` */
  async consistencyProof(oldSize: bigint): Promise<Uint8Array[]> {
    return this.#hashesOf(planConsistency(oldSize, this.size));
  }

  /** Entries [start, end), as served: they are not compared with the tree. */
  async *entries(start: bigint, end: bigint): AsyncGenerator<Uint8Array, void, void> {
    const width = BigInt(TILE_WIDTH);
    for (let index = start / width; index * width < end; index += 1n) {
      const bundle = await this.#bundle(index);
      const from = start > index * width ? Number(start - index * width) : 0;
      const left = end - index * width;
      yield* bundle.slice(from, left < width ? Number(left) : TILE_WIDTH);
    }
  }

  /** The hashes of one tile, 32 bytes each. @throws ProofError `tile-mismatch` */
  async tile(level: number, index: bigint): Promise<Uint8Array> {
    const width = tileWidth(level, index, this.size);
    const key = formatTilePath({ level, index, width });
    const known = this.#tiles.get(key);
    if (known !== undefined) return known;
    const pending = this.#file({ level, index, width }).then((file) => {
      if (file.bytes.length === file.width * HASH_SIZE_BYTES) {
        return file.bytes.subarray(0, width * HASH_SIZE_BYTES);
      }
      throw new ProofError(
        'tile-mismatch',
        `tile '${file.path}': ${file.bytes.length} bytes, not ${file.width} hashes`,
      );
    });
    this.#tiles.set(key, pending);
    return pending;
  }

  async #bundle(index: bigint): Promise<Uint8Array[]> {
    const width = tileWidth(0, index, this.size);
    const file = await this.#file({ level: 'entries', index, width });
    return parseEntryBundle(file.bytes, file.width).slice(0, width);
  }

  async #file(name: TileName): Promise<TileFile> {
    const path = formatTilePath(name);
    try {
      return { path, bytes: await this.#fetch(path), width: name.width };
    } catch (missing) {
      if (name.width === TILE_WIDTH) throw missing;
      const full = formatTilePath({ ...name, width: TILE_WIDTH });
      const bytes = await this.#fetch(full).catch(() => Promise.reject(missing));
      return { path: full, bytes, width: TILE_WIDTH };
    }
  }

  async #hashesOf(plan: readonly LeafRange[]): Promise<Uint8Array[]> {
    return Promise.all(plan.map((range) => this.#hashOf(range)));
  }

  async #hashOf(range: LeafRange): Promise<Uint8Array> {
    const nodes = nodesOfRange(range);
    return foldRight(await Promise.all(nodes.map(({ level, index }) => this.#node(level, index))));
  }

  /** Hash of a complete subtree: stored in a tile, or folded from the hashes of one. */
  async #node(level: number, index: bigint): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const height = level % TILE_HEIGHT;
    const first = index << BigInt(height);
    const tileIndex = first / BigInt(TILE_WIDTH);
    const tile = await this.tile(tileLevel, tileIndex);
    const start = Number(first % BigInt(TILE_WIDTH));
    const hashes: Uint8Array[] = [];
    for (let i = start; i < start + (1 << height); i++) {
      hashes.push(tile.subarray(i * HASH_SIZE_BYTES, (i + 1) * HASH_SIZE_BYTES));
    }
    if (hashes.at(-1)?.length !== HASH_SIZE_BYTES) {
      throw new ProofError('tree-malformed', `tree: no complete subtree ${level}/${index}`);
    }
    return rootOfLeafHashes(hashes);
  }
}

/** The entries of a bundle of `width`. @throws ProofError `tile-mismatch` */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const view = viewOf(bytes);
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length && entries.length < width) {
    const end = offset + 2 <= bytes.length ? offset + 2 + view.getUint16(offset) : Infinity;
    if (end > bytes.length) throw new ProofError('tile-mismatch', 'entry bundle: cut off');
    entries.push(bytes.subarray(offset + 2, end));
    offset = end;
  }
  if (entries.length !== width || offset !== bytes.length) {
    throw new ProofError('tile-mismatch', `entry bundle: does not hold exactly ${width} entries`);
  }
  return entries;
}

/** One bundle of `entries`. @throws ProofError `limit-exceeded` for an entry over 65,535 bytes */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    if (entry.length > TILE_ENTRY_SIZE_BYTES_MAX) {
      throw new ProofError('limit-exceeded', `entry bundle: entry of ${entry.length} bytes`);
    }
    return [Uint8Array.of(entry.length >> 8, entry.length & 255), entry];
  });
  return concatBytes(...parts);
}

/**
 * Reads every entry of the log and derives from them every tile and the root.
 * @param onEntry told of each entry in order, before the log as a whole is known to be good
 * @throws ProofError `tile-mismatch` naming the first file that contradicts the entries
 */
export async function auditTiles(
  fetch: TileFetch,
  head: { readonly size: bigint; readonly root: Uint8Array },
  onEntry?: (index: bigint, entry: Uint8Array) => void,
): Promise<void> {
  const reader = new TileReader(fetch, head.size);
  const audit = new TileAudit(reader);
  const tree = new MerkleTree((level, index, hash) => audit.node(level, index, hash));
  for await (const entry of reader.entries(0n, head.size)) {
    onEntry?.(tree.size, entry);
    tree.append(entry);
    await audit.compareFull();
  }
  await audit.comparePartial();
  if (!equalBytes(tree.root(), head.root)) {
    throw new ProofError(
      'tile-mismatch',
      'log: the entries do not give the root of the checkpoint',
    );
  }
}

/**
 * Collects the hashes of each tile as the tree grows, and compares tiles once they are complete.
 */
class TileAudit {
  readonly #reader: TileReader;
  /** Per tile level, the hashes so far of its last tile. */
  readonly #open: { index: bigint; hashes: Uint8Array[] }[] = [];
  #full: { level: number; index: bigint; hashes: Uint8Array[] }[] = [];

  constructor(reader: TileReader) {
    this.#reader = reader;
  }

  node(level: number, index: bigint, hash: Uint8Array): void {
    if (level % TILE_HEIGHT !== 0) return;
    const tileLevel = level / TILE_HEIGHT;
    const tile = (this.#open[tileLevel] ??= { index: index / BigInt(TILE_WIDTH), hashes: [] });
    tile.hashes.push(hash);
    if (tile.hashes.length < TILE_WIDTH) return;
    this.#full.push({ level: tileLevel, ...tile });
    this.#open[tileLevel] = { index: tile.index + 1n, hashes: [] };
  }

  async compareFull(): Promise<void> {
    const full = this.#full;
    this.#full = [];
    for (const tile of full) await this.#compare(tile.level, tile.index, tile.hashes);
  }

  async comparePartial(): Promise<void> {
    for (const [level, tile] of this.#open.entries()) {
      if (tile.hashes.length > 0) await this.#compare(level, tile.index, tile.hashes);
    }
  }

  async #compare(level: number, index: bigint, hashes: readonly Uint8Array[]): Promise<void> {
    const served = await this.#reader.tile(level, index);
    if (equalBytes(served, concatBytes(...hashes))) return;
    throw new ProofError('tile-mismatch', `tile ${level}/${index}: is not the hash of the entries`);
  }
}
