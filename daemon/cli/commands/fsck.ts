/** `kudurru fsck`: checks the files of a ledger, without its daemon and its devices. */
import { encodeHex, type BatchVerifier } from '@kudurru/proof';
import { ED25519, ESP256, FsckScan, NativeError, verifyBatch } from '@kudurru/native';

import { reasonOf } from '../../src/base/errors.ts';
import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { checkFolder, type Checked } from '../fsck/check.ts';
import type { Finding } from '../fsck/finding.ts';
import { PortableScan } from '../fsck/portable/scan.ts';
import { Progress } from '../fsck/progress.ts';
import {
  readResumeFile,
  removeResumeFile,
  writeResumeFile,
  type EarlierCheck,
} from '../fsck/resume-file.ts';
import type { Terminal } from '../terminal.ts';

/** The same rule as proof's own (SPEC.md §2.1), many times as fast. */
const verifyNatively: BatchVerifier = (checks) =>
  verifyBatch(
    checks.map(({ key, message, signature }) => ({
      alg: key.algorithm === 'Ed25519' ? ED25519 : ESP256,
      publicKey: key.bytes,
      message,
      signature,
    })),
  );

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const fsck: Command = {
  words: ['fsck'],
  summary: 'check the files of a ledger, offline',
  synopsis: ['[DIR] [OPTION]…'],
  description: [
    'Reads the state folder DIR, else that of --state, and trusts nothing but its bytes: every ' +
      'record of the journal, the chain, every leaf hash and the root of every group, the order ' +
      'of sessions and statements, every signature of an agent, every body against its ' +
      'commitment; every checkpoint and anchor with the signatures of log key and TPM; the ' +
      'published tiles, whole and partial; snapshots; the keys of the TPM and the sealed PIN of ' +
      'the token, by their files alone; every row of the search index. The daemon ' +
      'may run meanwhile, unless --repair is given.',
    'It goes on behind damage. Each finding names the file, the place in it and, where they ' +
      'are known, the record and the entry. Entries whose record is damaged are taken from the ' +
      'published bundles where the chain proves that they are the same.',
    'Where segments were retired ("kudurru log retire"), their entries are checked from the ' +
      'published bundles, which the journal must continue; their bodies are not here, and are ' +
      'counted.',
    'DAMAGE is of what cannot be made again: journal, keys. What is only derived (tiles, ' +
      'published checkpoint, index, snapshots) is "rebuildable": the daemon makes it again, ' +
      'tiles and files of the index with --repair. A torn tail is a write that was cut off and ' +
      'never acknowledged: no damage; the next start cuts it off.',
    'Bodies are sealed, and offline their keys are not at hand: of a sealed body its commitment, ' +
      'length and record are checked. "kudurru prove" opens one.',
  ],
  options: [
    ...PLACE_OPTIONS,
    {
      name: 'from',
      value: 'INDEX',
      meaning: 'pass over bodies, signatures and tiles of entries before it; the chain is not',
    },
    {
      name: 'resume',
      value: 'FILE',
      meaning: 'go on with the check that left FILE; if this one is ended early, it leaves FILE',
    },
    { name: 'no-bodies', meaning: 'do not compare bodies with their commitments' },
    {
      name: 'no-signatures',
      meaning: 'do not check the signatures of statements, which is most of the time',
    },
    {
      name: 'no-index',
      meaning:
        'do not read the search index, which takes longer than all else: 140,000 rows a second',
    },
    {
      name: 'repair',
      meaning:
        'write wrong tiles anew, and remove wrong files of the index, which the daemon makes ' +
        'again; the daemon must not run',
    },
    {
      name: 'portable',
      meaning:
        "by the code of the offline verifier alone: slow, and independent of the daemon's; of " +
        'the index the digests only',
    },
    { name: 'strict', meaning: 'what is rebuildable is damage too: exit code 1' },
  ],
  exits: [
    [EXIT.foundBad, 'damage was found, or there is no ledger'],
    [EXIT.unverifiable, 'ended by a signal before all was checked'],
  ],
  examples: [
    ["The daemon's own folder", 'kudurru fsck'],
    ['A copy on another disk, for a program to read', 'kudurru fsck /mnt/copy --json'],
    ['The newest entries in full, the older ones by their chain', 'kudurru fsck --from 9000000'],
  ],
  async run(invocation) {
    const [folder = invocation.locations().state] =
      invocation.positionals.length === 0 ? [] : invocation.take('DIR');
    const started = performance.now();
    const checked = await check(invocation, folder);
    keepOrRemove(invocation.text('resume'), checked);
    const seconds = (performance.now() - started) / 1000;
    const { findings } = checked;
    const isStrict = invocation.flag('strict');
    const isBad = findings.damages > 0n || (isStrict && findings.rebuildables > 0n);
    const { terminal, isJson } = invocation;
    if (isJson) terminal.printJson(jsonOf(checked, seconds));
    else print(terminal, checked, seconds);
    if (isBad) return EXIT.foundBad;
    return checked.isComplete ? EXIT.good : EXIT.unverifiable;
  },
};

async function check(invocation: Invocation, folder: string): Promise<Checked> {
  const isPortable = invocation.flag('portable');
  if (isPortable && invocation.flag('repair')) throw wrongUse('--portable repairs nothing');
  let isStopped = false;
  const stop = (): void => void (isStopped = true);
  for (const signal of SIGNALS) process.on(signal, stop);
  const progress = new Progress(process.stderr);
  try {
    return await checkFolder({
      folder,
      from: BigInt(invocation.integer('from') ?? 0),
      bodies: !invocation.flag('no-bodies'),
      signatures: !invocation.flag('no-signatures'),
      repairsTiles: invocation.flag('repair'),
      ...(isPortable ? {} : { verifyBatch: verifyNatively }),
      begin: (at, options) =>
        isPortable ? new PortableScan(at, options) : new FsckScan(at, options),
      onProgress: ({ sizeChecked: entries, bytesDone, bytesTotal }) => {
        progress.show({ entries, bytesDone, bytesTotal });
      },
      index: invocation.flag('no-index') ? 'none' : isPortable ? 'digests' : 'rows',
      onIndexProgress: (done, total) => progress.showIndex({ done, total }),
      isStopped: () => isStopped,
      earlier: earlierOf(invocation.text('resume')),
    });
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    throw new Failure(EXIT.foundBad, `"${folder}" not checked: ${error.message}`, {
      code: error.code,
      cause: error,
    });
  } finally {
    progress.end();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

function earlierOf(resumeFile: string | undefined): EarlierCheck | null {
  try {
    return resumeFile === undefined ? null : readResumeFile(resumeFile);
  } catch (error) {
    throw wrongUse(`"${resumeFile}" is no file that a check has left: ${reasonOf(error)}`);
  }
}

/** Damage binds an unfinished check to what was whole before it. */
function keepOrRemove(resumeFile: string | undefined, checked: Checked): void {
  if (resumeFile === undefined) return;
  const { report, findings, isComplete } = checked;
  if (isComplete) removeResumeFile(resumeFile);
  else writeResumeFile(resumeFile, { ...report.settled, findings });
}

function jsonOf({ report, findings, ...counts }: Checked, seconds: number): object {
  const { evidence: _, findings: __, settled, ...facts } = report;
  return {
    ...facts,
    ...counts,
    settledSize: settled.size,
    seconds,
    entriesPerSecond: Number(report.sizeChecked) / (seconds - (counts.index?.seconds ?? 0)),
    damages: findings.damages,
    rebuildables: findings.rebuildables,
    findings: findings.list,
  };
}

function print(terminal: Terminal, checked: Checked, seconds: number): void {
  const { report, findings, published, checkpoints, anchors, index } = checked;
  const sealed = report.bodies - report.bodiesOpened;
  terminal.printFacts([
    ['ledger', encodeHex(report.ledgerId)],
    ['whole', `${report.size} entries, root ${encodeHex(report.root)}`],
    ['journal', `${report.records} records, ${tailOf(checked)}`],
    ['signatures', `${report.signatures} of statements`],
    ['bodies', `${report.bodies}, ${sealed} of them sealed${retiredText(report)}`],
    ['checkpoints', `${checkpoints} signed, ${anchors} anchors`],
    ['published', published === null ? 'nothing' : `${published} entries, ${report.tiles} tiles`],
    ['read', timesText(seconds - (index?.seconds ?? 0), report.sizeChecked, 'entries')],
    ['index', indexText(index)],
  ]);
  for (const finding of findings.list) terminal.print(lineOf(terminal, finding));
  const unnamed = findings.damages + findings.rebuildables - BigInt(findings.list.length);
  if (unnamed > 0n) terminal.print(`and ${unnamed} more`);
  for (const line of provable(checked)) terminal.print(line);
  if (!checked.isComplete) {
    const reached = report.isComplete ? 'the index' : `entry ${report.settled.size}`;
    terminal.print(terminal.paint('open', `Ended before all was checked, at ${reached}.`));
  } else if (findings.damages === 0n) {
    terminal.print(terminal.paint('good', 'No damage found.'));
  }
}

function timesText(seconds: number, count: number | bigint, what: string): string {
  const rate = Math.round(Number(count) / seconds).toLocaleString('en-GB');
  return `in ${seconds.toFixed(1)} s, ${rate} ${what}/s`;
}

function indexText(index: Checked['index']): string {
  if (index === null) return 'not checked';
  const { files, entries, seconds } = index;
  if (entries === 0) return `${files} files, by their digests`;
  return `${files} files, every row ${timesText(seconds, entries, 'rows')}`;
}

function retiredText({ bodiesRetired, retiredEntries }: Checked['report']): string {
  if (retiredEntries === 0n && bodiesRetired === 0n) return '';
  return `; ${bodiesRetired} retired with the segments of ${retiredEntries} entries`;
}

function lineOf(terminal: Terminal, finding: Finding): string {
  const { weight, code, file, offset, record, entry, message } = finding;
  const isDamage = weight === 'damage';
  const word = terminal.paint(isDamage ? 'bad' : 'open', isDamage ? 'DAMAGE' : 'rebuildable');
  const places = [
    `"${file}" at byte ${offset}`,
    ...(record === null ? [] : [`record ${record}`]),
    ...(entry === null ? [] : [`entry ${entry}`]),
  ];
  return `${word}: ${code}: ${places.join(', ')}: ${message}`;
}

/** What still stands where something is damaged. */
function provable({ report, findings, published }: Checked): string[] {
  if (findings.damages === 0n) return [];
  const { size, sizeChecked, recovered, laterEntries } = report;
  const covered = published === null || published > sizeChecked ? null : published;
  return [
    `Entries below ${size} are whole.`,
    ...(recovered === 0n
      ? []
      : [`${recovered} entries of damaged records were found in the published bundles.`]),
    ...(covered === null
      ? []
      : [`Entries below ${covered} can be proven against the published checkpoint.`]),
    ...(laterEntries === 0n
      ? []
      : [`${laterEntries} entries behind the damage are whole by themselves.`]),
  ];
}

function tailOf({ report: { tornBytes, stoppedCleanly, recovered } }: Checked): string {
  const isPublished = recovered > 0n;
  if (tornBytes > 0n && isPublished) return `ends in ${tornBytes} bytes of what was published`;
  if (tornBytes > 0n) return `a torn tail of ${tornBytes} bytes, never acknowledged`;
  return stoppedCleanly ? 'stopped in order' : 'in use, or not stopped in order';
}
