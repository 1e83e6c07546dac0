/** Where the tour keeps its files, and whether it has been taken here. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from '../../src/base/make-folder.ts';

export function tourFolderOf(state: string): string {
  return join(state, 'tour');
}

/** The last thing a tour makes: one that was interrupted is taken again. */
function markOf(state: string): string {
  return join(tourFolderOf(state), 'finished');
}

export function isTourDone(state: string): boolean {
  return existsSync(markOf(state));
}

export function markTourDone(state: string): void {
  writeFileSync(markOf(state), '');
}

/** Paths of the tour's files. */
export interface TourFiles {
  readonly folder: string;
  readonly key: string;
  /** The server may work in here. */
  readonly scratch: string;
  /** And not here. */
  readonly outside: string;
  readonly bundle: string;
  readonly forged: string;
  readonly policy: string;
}

export function makeTourFiles(state: string): TourFiles {
  const folder = tourFolderOf(state);
  const scratch = join(folder, 'scratch');
  makeFolder(scratch, 0o700);
  const outside = join(folder, 'outside.txt');
  writeFileSync(join(scratch, 'welcome.txt'), 'Nothing here is secret.\n');
  writeFileSync(outside, 'Not for the agent.\n');
  return {
    folder,
    scratch,
    outside,
    key: join(folder, 'guide.pem'),
    bundle: join(folder, 'action.kudurru'),
    forged: join(folder, 'forged.kudurru'),
    policy: join(folder, 'trust.json'),
  };
}
