/**
 * Newline-delimited bytes, one line at a time and unchanged (the newline stays on). Holds at most
 * one unfinished line; a line over the limit ends the reading, since what is not read cannot be
 * recorded.
 */
import type { Readable } from 'node:stream';

/** Bytes of one message: more than the longest body that the ledger keeps. */
export const LINE_SIZE_BYTES_MAX = 32 * 1024 * 1024;

const NEWLINE = 0x0a;

export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';

  constructor() {
    super(`a line is longer than ${LINE_SIZE_BYTES_MAX} bytes`);
  }
}

/** The lines of `source`; the last one may lack its newline. @throws LineTooLongError */
export async function* linesOf(
  source: Readable,
  sizeBytesMax: number = LINE_SIZE_BYTES_MAX,
): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
      const end = chunk.subarray(start, at + 1);
      if (sizeBytes + end.length > sizeBytesMax) throw new LineTooLongError();
      yield parts.length === 0 ? end : Buffer.concat([...parts, end]);
      parts = [];
      sizeBytes = 0;
      start = at + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    sizeBytes += chunk.length - start;
    if (sizeBytes > sizeBytesMax) throw new LineTooLongError();
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}
