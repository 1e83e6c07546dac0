/**
 * Every file of a stopped ledger, a byte at a time: one bit is flipped, the folder is checked, and
 * the check must say so with the file and a place at or before the byte, unless the file is one of
 * those that are documented as made again (daemon/ARCHITECTURE.md, "Files of the state folder").
 */
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import { FsckScan, type FsckFinding, type FsckReport } from '@kudurru/native';
import { parseCheckpoint } from '@kudurru/proof';

import { EvidenceAudit } from '../../daemon/cli/fsck/evidence-audit.ts';
import { FindingList } from '../../daemon/cli/fsck/finding.ts';
import { FolderCheck, type Scanned } from '../../daemon/cli/fsck/folder.ts';
import { Scenario, someAction } from './scenario.ts';

/** Whose damage no check needs to find: read by nobody, or written anew at each start. */
const MADE_AGAIN: readonly RegExp[] = [/^lock$/u, /^ledger\.json$/u, /^lookup\//u];
/** The emulators' own, and what the set-up writes for them: below our code. */
const OF_EMULATORS = /^devices\/(?!tpm-keys\/)/u;
const SEGMENT = /^journal\/\d+\.journal$/u;
const TILE = /^tile\//u;

const HEADER_BYTES = 4096;
const RECORD_HEADER_BYTES = 40;
const SMALL_FILE_BYTES = 4096;

/** Behind the last record of the newest segment; the rest of its zeros is cut off the copy. */
const ZEROS_KEPT_BYTES = 65_536;

export interface FlipOptions {
  /** So many bytes of each large file, drawn by `seed`, and all of a small one. */
  readonly bytesOfLargeFile: number | 'all';
  readonly seed: number;
}

export interface FileFlips {
  readonly file: string;
  readonly sizeBytes: number;
  readonly flipped: number;
  readonly damage: number;
  readonly rebuildable: number;
  /** Not looked for, because the file is made again. */
  readonly madeAgain: number;
  /** Bytes that nothing found: there must be none. */
  readonly missed: readonly number[];
}

/** @param folder of a ledger that was stopped; it is the same again afterwards */
export async function flipBytes(folder: string, options: FlipOptions): Promise<FileFlips[]> {
  const clean = await scanOf(folder);
  if (clean.findings.list.length > 0) throw new Error('the folder is not whole to begin with');
  const audit = await auditOf(folder);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile() && !OF_EMULATORS.test(file))
    .toSorted();
  const flips: FileFlips[] = [];
  for (const file of files) {
    const { size } = clean;
    const check = checkFor(folder, file, { audit, size, sizeInJournal: size });
    flips.push(await flipFile(folder, file, { ...options, check }));
  }
  return flips;
}

type Check = (() => Promise<readonly FsckFinding[]>) | null;

/** The part of a check that looks at this file; null for one that is made again. */
function checkFor(folder: string, file: string, scanned: Scanned): Check {
  if (MADE_AGAIN.some((pattern) => pattern.test(file))) return null;
  if (SEGMENT.test(file) || TILE.test(file))
    return async () => (await scanOf(folder)).findings.list;
  return async () => {
    const findings = new FindingList();
    await new FolderCheck(folder, findings).run(scanned, noteOf(folder));
    return findings.list;
  };
}

async function flipFile(
  folder: string,
  file: string,
  options: FlipOptions & { readonly check: Check },
): Promise<FileFlips> {
  const path = join(folder, file);
  const bytes = readFileSync(path);
  const places = placesOf(file, bytes, options);
  let [damage, rebuildable] = [0, 0];
  const missed: number[] = [];
  const { check } = options;
  const descriptor = openSync(path, 'r+');
  try {
    for (const at of check === null ? [] : places) {
      const value = bytes[at] ?? 0;
      writeSync(descriptor, Buffer.of(value ^ (1 << (at % 8))), 0, 1, at);
      const found = await check?.();
      writeSync(descriptor, Buffer.of(value), 0, 1, at);
      const here = found?.find((finding) => finding.file === file && finding.offset <= at);
      if (here === undefined) missed.push(at);
      else if (here.weight === 'damage') damage += 1;
      else rebuildable += 1;
    }
  } finally {
    closeSync(descriptor);
  }
  const madeAgain = check === null ? places.length : 0;
  const flipped = places.length - madeAgain;
  return { file, sizeBytes: bytes.length, flipped, damage, rebuildable, madeAgain, missed };
}

/** Small files whole; of a segment the headers, the first bytes of every record, then a sample. */
function placesOf(file: string, bytes: Buffer, { bytesOfLargeFile, seed }: FlipOptions): number[] {
  const isSmall = bytes.length <= SMALL_FILE_BYTES && !TILE.test(file);
  if (bytesOfLargeFile === 'all' || isSmall || bytes.length <= bytesOfLargeFile) {
    return Array.from(bytes, (_, at) => at);
  }
  const places = new Set<number>();
  if (SEGMENT.test(file)) {
    for (let at = 0; at < HEADER_BYTES; at += at < 72 || at >= HEADER_BYTES - 4 ? 1 : 61) {
      places.add(at);
    }
    for (const at of recordsOf(bytes)) {
      for (let byte = 0; byte < RECORD_HEADER_BYTES; byte++) places.add(at + byte);
    }
  }
  // A linear congruential sequence (Knuth): the same seed gives the same places.
  let state = BigInt(seed);
  for (let drawn = 0; drawn < bytesOfLargeFile; drawn++) {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    places.add(Number((state >> 16n) % BigInt(bytes.length)));
  }
  return [...places].toSorted((one, other) => one - other);
}

function* recordsOf(bytes: Buffer): Generator<number> {
  for (let at = HEADER_BYTES; at + RECORD_HEADER_BYTES <= bytes.length;) {
    if (bytes.readUInt32BE(at) === 0) return;
    yield at;
    at += Math.ceil((RECORD_HEADER_BYTES + bytes.readUInt32BE(at + 8)) / 8) * 8;
  }
}

async function scanOf(folder: string): Promise<FsckReport> {
  const note = noteOf(folder);
  const published = note === null ? {} : { published: parseCheckpoint(note) };
  const scan = new FsckScan(folder, { ...published, signatures: false });
  let report: FsckReport = await scan.run();
  while (!report.isComplete) report = await scan.run();
  return report;
}

async function auditOf(folder: string): Promise<EvidenceAudit> {
  const audit = new EvidenceAudit(new FindingList());
  const scan = new FsckScan(folder, { signatures: false });
  for (let isComplete = false; !isComplete;) {
    const step = await scan.run();
    await audit.take(step.evidence);
    ({ isComplete } = step);
  }
  return audit;
}

function noteOf(folder: string): Uint8Array | null {
  return new Uint8Array(readFileSync(join(folder, 'checkpoint')));
}

/** Two runs of a daemon, with sessions, bodies, anchors and tiles; its folder, copied to `copy`. */
export async function makeStoppedLedger(copy: string): Promise<void> {
  const scenario = await Scenario.start();
  try {
    const enrolled = await scenario.enrol('writer');
    for (let run = 0; run < 2; run++) {
      const agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
      for (let turn = 0; turn < 6; turn++) {
        const actions = Array.from({ length: 40 }, (_, at) => someAction(`${run} ${turn} ${at}`));
        await agent.submit(actions, { level: 'anchored' });
      }
      agent.destroy();
      await scenario.appliance.daemon.stop();
      if (run === 0) await scenario.appliance.start();
    }
    copyState(scenario.appliance.state, copy);
  } finally {
    await scenario.end();
  }
  const { end } = await scanOf(copy);
  const newest = join(copy, 'journal', `${String(end.segment).padStart(8, '0')}.journal`);
  truncateSync(newest, Number(end.offset) + ZEROS_KEPT_BYTES);
}

/** Files and folders, without the sockets. */
function copyState(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const name of readdirSync(from)) {
    if (statSync(join(from, name)).isSocket()) continue;
    cpSync(join(from, name), join(to, name), {
      recursive: true,
      filter: (path) => !statSync(path).isSocket(),
    });
  }
}

/** File by file, for people. */
export function flipTable(flips: readonly FileFlips[]): string {
  const rows = flips.map(({ file, sizeBytes, flipped, damage, rebuildable, ...rest }) => [
    file,
    String(sizeBytes),
    String(flipped),
    String(damage),
    String(rebuildable),
    rest.madeAgain > 0 ? 'made again' : String(rest.missed.length),
  ]);
  const head = ['file', 'bytes', 'flipped', 'damage', 'rebuildable', 'missed'];
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  );
  return [head, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
