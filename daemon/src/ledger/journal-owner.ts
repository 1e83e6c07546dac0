/** Which ledger a state folder holds, before it is opened: its journal's first segment says so. */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { KudurruError } from '../base/errors.ts';

const segmentName = /^\d{8}\.journal$/u;
/** Place of the ledgerId in a segment's header; opening the ledger checks the header itself. */
const ledgerIdOffset = 24;
const ledgerIdSizeBytes = 32;

/** Null where no journal has been begun. @throws KudurruError `ledger-failed` */
export function ledgerIdIn(stateFolder: string): Uint8Array | null {
  const folder = join(stateFolder, 'journal');
  if (!existsSync(folder)) return null;
  const [oldest] = readdirSync(folder)
    .filter((name) => segmentName.test(name))
    .sort();
  if (oldest === undefined) return null;
  const path = join(folder, oldest);
  const ledgerId = new Uint8Array(ledgerIdSizeBytes);
  const descriptor = openSync(path, 'r');
  try {
    const read = readSync(descriptor, ledgerId, 0, ledgerIdSizeBytes, ledgerIdOffset);
    if (read === ledgerIdSizeBytes) return ledgerId;
  } finally {
    closeSync(descriptor);
  }
  throw new KudurruError('ledger-failed', `journal "${path}" not read: it has no whole header`);
}
