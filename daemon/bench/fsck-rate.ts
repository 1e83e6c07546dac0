/**
 * How fast `fsck` reads a ledger of small entries: one of its own, made by the daemon under load,
 * with bodies of 64 B; once with the signatures of its statements and once without. The folder was
 * just written, so most of it comes from the page cache; what the disk alone gives is beside it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { FsckScan, type FsckReport } from '@kudurru/native';

import { House } from './house.ts';
import { CONNECTIONS, measureSmallBodies } from './measures.ts';

export interface FsckRate {
  readonly entries: number;
  readonly journalMib: number;
  readonly entriesPerSecond: number;
  readonly entriesPerSecondUnsigned: number;
  /** CPU of the scan without signatures, over all its threads. */
  readonly cpuUsPerEntry: number;
}

/** @throws Error with what was found, where the ledger is not whole */
export async function measureFsck(
  folder: string,
  seconds: number,
  stop: AbortSignal,
): Promise<FsckRate> {
  const state = join(folder, 'fsck-state');
  const agents = join(folder, 'fsck-agents');
  mkdirSync(state, { mode: 0o700 });
  const house = await House.start(state, join(folder, 'fsck-daemon.log'));
  try {
    await house.enrol(CONNECTIONS, agents);
    await measureSmallBodies({ house, files: { agents, folder }, seconds, stop });
  } catch (error) {
    await house.abandon();
    throw error;
  }
  await house.stop();
  const signed = await scanned(state, true, stop);
  const unsigned = await scanned(state, false, stop);
  return {
    entries: signed.entries,
    journalMib: signed.journalMib,
    entriesPerSecond: signed.perSecond,
    entriesPerSecondUnsigned: unsigned.perSecond,
    cpuUsPerEntry: unsigned.cpuUsPerEntry,
  };
}

async function scanned(
  state: string,
  signatures: boolean,
  stop: AbortSignal,
): Promise<{ entries: number; journalMib: number; perSecond: number; cpuUsPerEntry: number }> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const scan = new FsckScan(state, { signatures });
  let report: FsckReport = await scan.run();
  for (; !report.isComplete; report = await scan.run()) stop.throwIfAborted();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const [finding] = report.findings.list;
  if (finding !== undefined) throw new Error(`fsck: ${finding.file}: ${finding.message}`);
  const entries = Number(report.size);
  return {
    entries,
    journalMib: Number(report.bytesDone) / 2 ** 20,
    perSecond: entries / seconds,
    cpuUsPerEntry: (user + system) / entries,
  };
}
