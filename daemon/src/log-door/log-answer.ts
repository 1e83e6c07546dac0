/**
 * The answer to a request for a file of the log: status, headers, bytes (RFC 9110, RFC 9111). What
 * a path of a tile names never changes, so its tag says which log and which path.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { encodeHex, formatTilePath, TILE_WIDTH } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { LogFiles } from './log-files.ts';
import { parseLogPath } from './log-path.ts';

export interface LogRequest {
  /** As the client wrote it. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly method: 'GET' | 'HEAD';
}

export interface LogAnswer {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface PublishedLog {
  readonly ledgerId: Uint8Array;
  readonly files: LogFiles;
  /** The newest checkpoint that may be shown; null before the first. */
  checkpoint(): Uint8Array | null;
}

interface Representation {
  readonly tag: string;
  readonly caching: string;
  readonly mediaType: string;
  bytes(): Uint8Array | Promise<Uint8Array>;
}

const nothing = new Uint8Array();
/** A full tile is for ever; a partial one gives way to the full one. */
const caching = {
  checkpoint: 'no-cache',
  full: 'public, max-age=31536000, immutable',
  partial: 'public, max-age=3600, immutable',
} as const;
/** Of a tag, of hexadecimal digits: tells logs apart, and checkpoints of one. */
const tagDigits = 32;

/** @throws KudurruError as `parseLogPath` and `LogFiles` do */
export async function answerLogRequest(log: PublishedLog, request: LogRequest): Promise<LogAnswer> {
  const found = find(log, request.target);
  const headers = {
    'content-type': found.mediaType,
    'cache-control': found.caching,
    etag: found.tag,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  };
  if (isKnown(found.tag, request.headers['if-none-match'])) {
    return { status: 304, headers, body: nothing };
  }
  const bytes = await found.bytes();
  const range = rangeOf(request, found.tag, bytes.length);
  if (range === null) return { status: 200, headers, body: bytes };
  if (range === 'none') {
    const unsatisfied = { ...headers, 'content-range': `bytes */${bytes.length}` };
    return { status: 416, headers: unsatisfied, body: nothing };
  }
  const { first, last } = range;
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last}/${bytes.length}` },
    body: bytes.subarray(first, last + 1),
  };
}

function find(log: PublishedLog, target: string): Representation {
  const path = parseLogPath(target);
  if (path === 'checkpoint') {
    const note = log.checkpoint();
    if (note === null) throw new KudurruError('not-ready', 'nothing is published yet');
    const digest = createHash('sha256').update(note).digest('hex');
    return {
      tag: `"${digest.slice(0, tagDigits)}"`,
      caching: caching.checkpoint,
      mediaType: 'text/plain; charset=utf-8',
      bytes: () => note,
    };
  }
  log.files.requireCovered(path);
  return {
    tag: `"${encodeHex(log.ledgerId).slice(0, tagDigits)}/${formatTilePath(path)}"`,
    caching: path.width === TILE_WIDTH ? caching.full : caching.partial,
    mediaType: 'application/octet-stream',
    bytes: () => log.files.read(path),
  };
}

/** If-None-Match, RFC 9110 §13.1.2: compared weakly. */
function isKnown(tag: string, given: string | undefined): boolean {
  if (given === undefined) return false;
  const tags = given.split(',').map((each) => each.trim().replace(/^W\//u, ''));
  return tags.includes(tag) || given.trim() === '*';
}

/**
 * One range of bytes, RFC 9110 §14.2; null where the whole is to be sent: without the header, for
 * several ranges, for one that is not of its form, and where If-Range names something else.
 */
function rangeOf(
  { method, headers }: LogRequest,
  tag: string,
  sizeBytes: number,
): { readonly first: number; readonly last: number } | 'none' | null {
  const { range, 'if-range': wanted } = headers;
  if (method !== 'GET' || range === undefined || (wanted ?? tag) !== tag) return null;
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/u.exec(range) ?? [];
  if (from === '' && to === '') return null;
  if (from === '') {
    const length = Math.min(Number(to), sizeBytes);
    return length === 0 ? 'none' : { first: sizeBytes - length, last: sizeBytes - 1 };
  }
  const first = Number(from);
  const last = to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (to !== '' && Number(to) < first) return null;
  return first >= sizeBytes ? 'none' : { first, last };
}
