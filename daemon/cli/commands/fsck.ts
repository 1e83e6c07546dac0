/**
 * `kudurru fsck`: checks the files of a ledger, without its daemon. The journal is read by the
 * native scan; the published log is audited a second time by @kudurru/proof, which shares no code
 * with it.
 */
import { FsckScan, NativeError, type FsckReport } from '@kudurru/native';
import {
  auditTiles,
  decodeEntry,
  encodeHex,
  parseCheckpoint,
  parseVerifierKey,
  ProofError,
  verifyNote,
} from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { EXIT, Failure } from '../exit-code.ts';
import { isMissingFile, PublishedLog } from '../published-log.ts';
import { size } from '../quantities.ts';
import type { Terminal } from '../terminal.ts';

export const fsck: Command = {
  words: ['fsck'],
  summary: 'check the files of a ledger, offline',
  synopsis: ['[DIR] [--json]'],
  description: [
    'Reads the state folder DIR, else that of --state, and changes nothing: every record of the ' +
      "journal, the chain, every statement's root and signature, every body against its " +
      'commitment, the tree and the tiles. Then the published log is audited once more by other ' +
      'code: every entry and tile against the root of the published checkpoint, and its ' +
      'signature against the log key in entry 0. The daemon may run meanwhile.',
    'Bodies are opened only where their scope key is at hand, which offline it is not: of the ' +
      'others the sealed form is checked.',
    'A torn tail was never acknowledged and is no damage; the next start cuts it off. Tiles ' +
      'that are wrong can be made again from the journal.',
  ],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'damage was found, or there is no ledger']],
  examples: [
    ["The daemon's own folder", 'kudurru fsck'],
    ['A copy on another disk', 'kudurru fsck /mnt/backup/kudurru'],
  ],
  async run(invocation) {
    const [folder = invocation.locations().state] =
      invocation.positionals.length === 0 ? [] : invocation.take('DIR');
    const { terminal } = invocation;
    // First the published log: a ledger that grows meanwhile holds at least what it published.
    const audited = await audit(folder);
    const report = await scan(folder, progressOn(invocation.isJson));
    const problems = problemsOf(report, audited);
    if (invocation.isJson) terminal.printJson({ ...report, published: audited, problems });
    else print(terminal, report, { audited, problems });
    return problems.length === 0 ? EXIT.good : EXIT.foundBad;
  },
};

async function scan(folder: string, onProgress: (report: FsckReport) => void): Promise<FsckReport> {
  try {
    const native = new FsckScan(folder);
    let report = await native.run();
    for (; !report.isComplete; report = await native.run()) onProgress(report);
    onProgress(report);
    return report;
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    throw new Failure(EXIT.foundBad, `"${folder}" not checked: ${error.message}`, {
      code: error.code,
      cause: error,
    });
  }
}

/** What the audit of the published log came to; `problem` is null when all of it holds. */
interface Audited {
  readonly size: bigint | null;
  readonly problem: string | null;
}

async function audit(folder: string): Promise<Audited> {
  const log = new PublishedLog(folder);
  const checkpoint = await log.newest();
  if (checkpoint === null) return { size: null, problem: null };
  try {
    return await auditTree(log, checkpoint);
  } catch (error) {
    if (error instanceof ProofError) return { size: null, problem: error.message };
    if (isMissingFile(error)) return { size: null, problem: error.message };
    throw error;
  }
}

async function auditTree(log: PublishedLog, checkpoint: Uint8Array): Promise<Audited> {
  const { size: publishedSize, root, note } = parseCheckpoint(checkpoint);
  const fetch = (path: string): Promise<Uint8Array> => log.tile(path);
  const keys: string[] = [];
  await auditTiles(fetch, { size: publishedSize, root }, (index, bytes) => {
    const entry = index === 0n ? decodeEntry(bytes) : null;
    if (entry?.kind === 'genesis') keys.push(entry.logKey);
  });
  const [logKey] = keys;
  if (logKey === undefined) return { size: publishedSize, problem: 'entry 0 is not genesis' };
  const state = verifyNote(note, parseVerifierKey(logKey));
  const problem = state === 'valid' ? null : `the log key's signature is ${state}`;
  return { size: publishedSize, problem };
}

function problemsOf(report: FsckReport, { size: publishedSize, problem }: Audited): string[] {
  const { findings } = report;
  const isShort = publishedSize !== null && publishedSize > report.size;
  return [
    ...(isShort ? [`${publishedSize} entries were published, and ${report.size} are whole`] : []),
    ...findings.list.map(
      ({ code, file, offset, message }) => `${code}: "${file}" at offset ${offset}: ${message}`,
    ),
    ...(problem === null ? [] : [`published log: ${problem}`]),
  ];
}

function print(
  terminal: Terminal,
  report: FsckReport,
  { audited, problems }: { readonly audited: Audited; readonly problems: readonly string[] },
): void {
  const published = audited.size === null ? 'nothing' : `${audited.size} entries`;
  terminal.printFacts([
    ['ledger', encodeHex(report.ledgerId)],
    ['whole', `${report.size} entries, root ${encodeHex(report.root)}`],
    ['journal', `${report.records} records, ${tailOf(report)}`],
    ['bodies', `${report.bodies}, ${report.bodiesOpened} of them opened`],
    ['signatures', `${report.signatures} of statements`],
    ['tiles', `${report.tiles} files compared, ${report.findings.rebuildables} wrong`],
    ['published', audited.problem === null ? `${published}, audited` : published],
  ]);
  for (const problem of problems) terminal.print(`${terminal.paint('bad', 'DAMAGE')}: ${problem}`);
  if (problems.length === 0) terminal.print(terminal.paint('good', 'No damage found.'));
}

function tailOf({ tornBytes, stoppedCleanly }: FsckReport): string {
  if (tornBytes > 0n) return `a torn tail of ${tornBytes} bytes, never acknowledged`;
  return stoppedCleanly ? 'stopped in order' : 'in use, or not stopped in order';
}

/** A line that is written over, where somebody can see it. */
function progressOn(isJson: boolean): (report: FsckReport) => void {
  if (isJson || !process.stderr.isTTY) return () => undefined;
  return ({ sizeChecked, bytesDone, bytesTotal }) => {
    const done = `${size(Number(bytesDone))} of ${size(Number(bytesTotal))}`;
    const end = bytesDone >= bytesTotal ? '\n' : '';
    process.stderr.write(`\rkudurru: ${done}, ${sizeChecked} entries${end}`);
  };
}
