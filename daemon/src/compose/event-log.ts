/**
 * The firmware's event log, which says how the values of the PCRs came about. It may be missing,
 * unreadable or too long; then a boot entry has none, and the log says why.
 */
import { closeSync, openSync, readSync } from 'node:fs';

import { bodySizeBytesMax } from '../base/limits.ts';
import { reasonOf } from '../base/errors.ts';

/** Bytes, or why there are none. */
export type EventLog = { readonly bytes: Uint8Array } | { readonly missing: string };

/** An empty `path`: there is none. The kernel's file says no size: it is read to its end. */
export function readEventLog(path: string): EventLog {
  if (path === '') return { missing: 'none is configured' };
  try {
    const bytes = readAtMost(path, bodySizeBytesMax + 1);
    if (bytes.length === 0) return { missing: `'${path}' is empty` };
    if (bytes.length <= bodySizeBytesMax) return { bytes };
    return { missing: `'${path}' has more than ${bodySizeBytesMax} bytes` };
  } catch (error) {
    return { missing: `'${path}' cannot be read: ${reasonOf(error)}` };
  }
}

function readAtMost(path: string, sizeBytesMax: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(sizeBytesMax);
    let length = 0;
    for (let read = -1; read !== 0 && length < sizeBytesMax; length += read) {
      read = readSync(file, bytes, length, sizeBytesMax - length, null);
    }
    return bytes.slice(0, length);
  } finally {
    closeSync(file);
  }
}
