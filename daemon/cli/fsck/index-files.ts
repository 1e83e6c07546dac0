/**
 * The files of the search index, row by row. The rows are compared with those of the published
 * bundles, which the scan has just compared with the journal; where it found one of these wrong,
 * the digests in the files' names are compared alone.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import type { FsckReport } from '@kudurru/native';

import { checkIndex, type IndexFinding } from '../../src/evidence/index/check.ts';
import type { IndexShape } from '../../src/evidence/index/files.ts';
import { aboutFile, type Finding, type FindingList } from './finding.ts';

export interface IndexOptions {
  /** State folder. */
  readonly folder: string;
  readonly report: FsckReport;
  /** Entries before it are passed over. */
  readonly from: bigint;
  /** False: the digests alone. */
  readonly comparesRows: boolean;
  /** Removes what is wrong. Wrong tiles have been written anew by the scan. */
  readonly repairs: boolean;
  /** Files that were there before the scan began. */
  readonly known: ReadonlySet<string>;
  readonly shape?: IndexShape;
  readonly onProgress?: (done: number, total: number) => void;
  readonly isStopped?: () => boolean;
}

export interface IndexChecked {
  readonly files: number;
  /** Whose rows were compared. */
  readonly entries: number;
  readonly seconds: number;
  readonly isComplete: boolean;
}

export async function checkIndexFiles(
  options: IndexOptions,
  findings: FindingList,
): Promise<IndexChecked> {
  const { report, from, comparesRows, repairs, known, folder, ...rest } = options;
  const started = performance.now();
  const arePublishedRight = findings.isWhole && !findings.list.some(isOfBundle(repairs));
  const isJournalWhole = findings.damages === 0n;
  const { files, entries, isComplete, ...found } = await checkIndex({
    ...rest,
    state: folder,
    ledgerId: report.ledgerId,
    size: Number(report.sizeChecked),
    // A damaged journal may have lost what a file was made of.
    known: isJournalWhole ? known : new Set(),
    comparesRows: ({ first }) => comparesRows && arePublishedRight && BigInt(first) >= from,
  });
  for (const one of found.findings) {
    const isRemoved = repairs && one.code !== 'index-missing';
    if (isRemoved) rmSync(join(folder, one.path), { recursive: true, force: true });
    findings.add(findingOf(one, isRemoved));
  }
  return { files, entries, seconds: (performance.now() - started) / 1000, isComplete };
}

/** A bundle that is not what the journal says, and still is not. */
function isOfBundle(repairs: boolean): (finding: Finding) => boolean {
  return ({ file, weight }) =>
    file.startsWith('tile/entries/') && !(repairs && weight === 'rebuildable');
}

function findingOf({ code, path, entry, problem }: IndexFinding, isRemoved: boolean): Finding {
  const after = isRemoved ? 'removed: ' : '';
  const text = `it ${problem}; ${after}the daemon makes it again while it runs`;
  const finding = aboutFile(path, 'rebuildable', [code, text]);
  return { ...finding, entry: entry === null ? null : BigInt(entry) };
}
