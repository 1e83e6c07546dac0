/**
 * Each sync call left out: the call claims success and does nothing, and some passages later the
 * power is cut. Something must then not hold, or the call is for nothing.
 */
import { join } from 'node:path';

import { runFault, type FaultRun } from './fault-run.ts';
import { draw, type TracedSite } from './matrix.ts';
import type { Site } from './sites.ts';
import type { Templates } from './templates.ts';

export interface Deletion {
  readonly site: TracedSite;
  readonly attempts: number;
  /** What did not hold; null where everything did in every attempt. */
  readonly found: string | null;
}

export interface DeletionOptions {
  readonly site: TracedSite;
  readonly seed: number;
  readonly attemptsMax: number;
  /** Of `performance.now()`: no attempt is begun after it. */
  readonly untilMs?: number;
  /** For the runs' own folders. */
  readonly folder: string;
}

/** How many passages after the first that was left out. */
const killsLater = [1, 40, 3, 90, 2, 20, 6, 150, 12, 4];

/**
 * Where a process is killed before, so that the next finds what only memory has: a record, the stop
 * record, the name of a segment.
 */
const leftBehindAt = [
  'fdatasync segment Journal::sync Ledger::apply',
  'fdatasync segment Journal::sync Journal::stop',
  'fsync journal-folder Journal::roll Journal::open',
];

/** The syncs that the ledger's own code makes: what SQLite syncs is made again. */
export function ownSyncs(sites: readonly TracedSite[]): TracedSite[] {
  return sites.filter(({ call, fileClass }) => call.includes('sync') && fileClass !== 'index');
}

/** Its files are checked when they are read, and made again: its syncs only save that work. */
export function isDerived({ fileClass }: Site): boolean {
  return /^(?:lookup|snapshot)/u.test(fileClass);
}

export async function deleteSync(
  templates: Templates,
  byCaller: ReadonlyMap<string, Site>,
  options: DeletionOptions,
): Promise<Deletion> {
  const { site, seed, attemptsMax, untilMs = Infinity } = options;
  let attempt = 0;
  for (; attempt < attemptsMax && performance.now() < untilMs; attempt++) {
    const run = attemptOf(site, byCaller, { seed, attempt });
    const folder = join(options.folder, `${draw(seed, site.name)}-${attempt}`);
    const { met, problems } = await runFault(templates, { ...run, folder });
    const [found] = problems;
    if (met && found !== undefined) return { site, attempts: attempt + 1, found };
  }
  return { site, attempts: attempt, found: null };
}

function attemptOf(
  site: TracedSite,
  byCaller: ReadonlyMap<string, Site>,
  { seed, attempt }: { seed: number; attempt: number },
): Omit<FaultRun, 'folder'> {
  const starts = [...site.starts.keys()];
  const start = starts[attempt % starts.length] ?? 'stopped';
  const leaveAt = byCaller.get(leftBehindAt[(attempt >> 1) % leftBehindAt.length] ?? '');
  // Every second time; a founding has nothing before it.
  const isLeft = start !== 'unfounded' && attempt % 2 === 1 && leaveAt !== undefined;
  return {
    site,
    start,
    fault: 'skip',
    nth: 1,
    killLater: killsLater[attempt % killsLater.length] ?? 1,
    isHeavy: attempt % 4 === 3,
    seed: draw(seed, site.name, 'deletion', String(attempt)),
    tearPercent: attempt % 3 === 2 ? 30 : 0,
    ...(isLeft ? { leaveAt } : {}),
  };
}
