/**
 * What a request to the log door names. Strict: the bytes of the path decide, nothing is decoded or
 * normalised, so a path has one spelling and none of them leads out of the log.
 */
import { CHECKPOINT_PATH, parseTilePath, ProofError, type TileName } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

export type LogPath = 'checkpoint' | TileName;

/** Bytes of a request's path: the longest of a tile has under 50. */
export const logPathSizeBytesMax = 128;

/** Words of the longest path: tile, level, six groups of digits (2^53 has 16), width. */
const wordsMax = 9;

/**
 * @throws KudurruError `request-too-long`; `request-malformed`, which no log has; `path-unknown`
 */
export function parseLogPath(target: string): LogPath {
  if (target.length > logPathSizeBytesMax) {
    throw new KudurruError(
      'request-too-long',
      `request not accepted: its path is longer than ${logPathSizeBytesMax} bytes`,
    );
  }
  if (!/^\/[0-9A-Za-z./_-]*$/u.test(target) || /\/\/|\/\.\.?(?:\/|$)/u.test(target)) {
    throw new KudurruError(
      'request-malformed',
      'request not accepted: a path of the log has letters, digits and "." "/" "-" only, and ' +
        'no query',
    );
  }
  const path = target.slice(1);
  if (path === CHECKPOINT_PATH) return 'checkpoint';
  if (path.split('/').length <= wordsMax) {
    try {
      return parseTilePath(path);
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
    }
  }
  throw new KudurruError(
    'path-unknown',
    `no file of the log is at "${target}": there are /checkpoint and the tiles and entry bundles ` +
      'of c2sp.org/tlog-tiles',
  );
}
