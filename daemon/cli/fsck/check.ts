/**
 * The whole check of a state folder: the published checkpoint is read first, so that a ledger that
 * grows meanwhile holds at least what it says; then the journal, and with it what is signed; then
 * the other files, the search index last.
 */
import type { BatchVerifier } from '@kudurru/proof';
import type { FsckStep } from '@kudurru/native';

import { namesOfIndex } from '../../src/evidence/index/check.ts';
import { PublishedLog } from '../published-log.ts';
import { checkpointOf, EvidenceAudit } from './evidence-audit.ts';
import type { EarlierCheck } from './resume-file.ts';
import { FindingList } from './finding.ts';
import { FolderCheck } from './folder.ts';
import { checkIndexFiles, type IndexChecked, type IndexOptions } from './index-files.ts';

/** A scan of the journal under way, native or portable. */
export interface Scan {
  run(): Promise<FsckStep>;
}

export interface ScanOptions {
  readonly from: bigint;
  readonly bodies: boolean;
  readonly signatures: boolean;
  readonly repairsTiles: boolean;
  readonly published: Head;
  /** Where the earlier check ended that this one goes on with; of no entries without one. */
  readonly resumed: Head;
}

export interface Head {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** The search index: row by row, by the digests of its files alone, or not at all. */
export type IndexDepth = 'rows' | 'digests' | 'none';

export interface CheckOptions extends Omit<ScanOptions, 'published' | 'resumed'> {
  readonly folder: string;
  readonly begin: (folder: string, options: ScanOptions) => Scan;
  /** Checks signatures of log key, TPM and agents; without it @kudurru/proof does. */
  readonly verifyBatch?: BatchVerifier;
  readonly index: IndexDepth;
  readonly onProgress?: (report: FsckStep) => void;
  /** Entries of the index that were compared, and all that its files hold. */
  readonly onIndexProgress?: (done: number, total: number) => void;
  readonly earlier?: EarlierCheck | null;
  /** Ends the check early. */
  readonly isStopped?: () => boolean;
}

export interface Checked {
  readonly report: FsckStep;
  readonly findings: FindingList;
  readonly checkpoints: bigint;
  readonly anchors: bigint;
  /** Entries that the published checkpoint is over; null where none is published. */
  readonly published: bigint | null;
  /** Null where it was not checked. */
  readonly index: IndexChecked | null;
  /** Ended by `isStopped` otherwise. */
  readonly isComplete: boolean;
}

const HASH_SIZE_BYTES = 32;
const nothing = { size: 0n, root: new Uint8Array(HASH_SIZE_BYTES) };

/** @throws NativeError, see FsckScan.run; Error where a file cannot be read */
export async function checkFolder(options: CheckOptions): Promise<Checked> {
  const { folder, begin, onProgress, isStopped = () => false } = options;
  const note = await new PublishedLog(folder).newest();
  const checkpoint = note === null ? null : checkpointOf(note);
  const known = namesOfIndex(folder);
  const { earlier = null } = options;
  const from = earlier !== null && earlier.size > options.from ? earlier.size : options.from;
  const resumed = earlier ?? nothing;
  const scan = begin(folder, { ...options, from, published: checkpoint ?? nothing, resumed });
  const findings = new FindingList();
  if (earlier !== null) findings.take(earlier.findings);
  const audit = new EvidenceAudit(findings, options.verifyBatch);
  let report: FsckStep;
  do {
    report = await scan.run();
    onProgress?.(report);
    await audit.take(report.evidence);
  } while (!report.isComplete && !isStopped());
  findings.take(report.findings);
  let index: IndexChecked | null = null;
  if (report.isComplete) {
    const size = report.size > report.sizeChecked ? report.size : report.sizeChecked;
    const sizeInJournal = report.size;
    await new FolderCheck(folder, findings).run({ size, sizeInJournal, audit }, note);
    if (options.index !== 'none') {
      index = await checkIndexFiles({ ...indexOptionsOf(options), report, known }, findings);
    }
  }
  const isComplete = report.isComplete && index?.isComplete !== false;
  const published = checkpoint?.size ?? null;
  return { report, findings, ...audit.counts, published, index, isComplete };
}

function indexOptionsOf(options: CheckOptions): Omit<IndexOptions, 'report' | 'known'> {
  const { folder, from, onIndexProgress, isStopped } = options;
  return {
    ...{ folder, from },
    comparesRows: options.index === 'rows',
    repairs: options.repairsTiles,
    ...(onIndexProgress !== undefined && { onProgress: onIndexProgress }),
    ...(isStopped !== undefined && { isStopped }),
  };
}
