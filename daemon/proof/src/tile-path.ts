/**
 * Names of the files of a tiled log (c2sp.org/tlog-tiles). A tile is 256 hashes wide; a partial one
 * has the suffix `.p/<width>`. Level `entries` names the entry bundles that mirror the level 0
 * tiles.
 */
import { ProofError } from './proof-error.ts';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;
/** Tree levels between two tile levels: log2 of `TILE_WIDTH`. */
export const TILE_HEIGHT = 8;
/** Path of the newest checkpoint. */
export const CHECKPOINT_PATH = 'checkpoint';

const TILE_LEVEL_MAX = 63;
const TILE_PATH_PATTERN =
  /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** One tile or entry bundle; `width` is 1..256, and 256 is a full one. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: bigint;
  readonly width: number;
}

/** Path below the log's prefix. @throws ProofError `note-malformed` */
export function formatTilePath({ level, index, width }: TileName): string {
  if (
    typeof level === 'number' &&
    (!Number.isInteger(level) || level < 0 || level > TILE_LEVEL_MAX)
  ) {
    throw malformed(`level ${level} is outside 0..${TILE_LEVEL_MAX}`);
  }
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw malformed(`width ${width} is outside 1..${TILE_WIDTH}`);
  }
  if (index < 0n) throw malformed(`index ${index} is negative`);
  const suffix = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${formatIndex(index)}${suffix}`;
}

/**
 * The tile that `path` names; the inverse of `formatTilePath`. @throws ProofError `note-malformed`
 */
export function parseTilePath(path: string): TileName {
  const [, level = '', index = '', width] = TILE_PATH_PATTERN.exec(path) ?? [];
  if (level === '') throw malformed(`'${path}' is not the path of a tile`);
  const name: TileName = {
    level: level === 'entries' ? level : Number(level),
    index: BigInt(index.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (formatTilePath(name) !== path) throw malformed(`'${path}' is not in its canonical form`);
  return name;
}

/**
 * Width of tile `index` at `level` in a tree of `size` leaves: 256 inside, less at the right edge,
 * 0 beyond it.
 */
export function tileWidth(level: number, index: bigint, size: bigint): number {
  const hashes = size >> BigInt(TILE_HEIGHT * level);
  const width = hashes - index * BigInt(TILE_WIDTH);
  if (width <= 0n) return 0;
  return width < TILE_WIDTH ? Number(width) : TILE_WIDTH;
}

function formatIndex(index: bigint): string {
  const digits = index.toString();
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/[0-9]{3}/g) ?? [];
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
}

function malformed(reason: string): ProofError {
  return new ProofError('note-malformed', `tile path: ${reason}`);
}
