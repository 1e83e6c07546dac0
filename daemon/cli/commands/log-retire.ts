/** `kudurru log retire`: moves the oldest segments of the journal to another folder, offline. */
import { mkdirSync, realpathSync } from 'node:fs';

import { decodeEntry, isAnchorEntry } from '@kudurru/proof';
import { NativeError, openLedger, readLedgerId, type Ledger } from '@kudurru/native';

import { reasonOf } from '../../src/base/errors.ts';
import { PLACE_OPTIONS, wholeNumber, type Command, type Invocation } from '../command.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { size } from '../quantities.ts';

/** Numbers of the kinds `anchor` and `counter-anchor` (SPEC.md §7). */
const ANCHOR_KINDS = [18, 19] as const;
/** Small: what is written here is little, and a disk that is nearly full has room for it. */
const SEGMENT_BYTES = 1n << 20n;
const FOLDER_MODE = 0o700;

interface Retired {
  readonly firstSegment: number;
  readonly lastSegment: number;
  readonly firstIndex: bigint;
  readonly moved: number;
  readonly bytes: bigint;
  readonly folder: string;
}

export const logRetire: Command = {
  words: ['log', 'retire'],
  summary: "move the journal's oldest segments to another folder, offline",
  synopsis: ['--before INDEX --to DIR [--state DIR] [--json]'],
  description: [
    'Moves sealed segments of the journal to DIR: the oldest, as far as all their entries ' +
      'are below INDEX, covered by an anchor, and in published bundles that are durable, and as ' +
      'far as no start needs them; at most 512 at a time. The daemon must not run.',
    'Entries, hashes and proofs stay: the published bundles hold them, and "kudurru prove", ' +
      '"search", the log door and "fsck" go on as before. What goes is the bodies of these ' +
      'entries and the receipts for statements that are sent again: both are answered with ' +
      '"not-held". Bundles of retired entries are no longer made again from the journal: keep DIR.',
    'First a record in the journal names the segments, their SHA-256 and DIR; then each is ' +
      'moved, by rename or, to another file system, copied, synced and compared before it is ' +
      'removed. If it is interrupted, the daemon starts all the same, and the same command ' +
      'finishes it. To have the segments again, stop the daemon and put all files of DIR back ' +
      'into "journal/" of the state folder.',
  ],
  options: [
    { name: 'before', value: 'INDEX', meaning: 'entries from INDEX on stay in the journal' },
    { name: 'to', value: 'DIR', meaning: 'where the segments go; made where it does not exist' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'no segment can be retired, or one could not be moved']],
  examples: [
    ['All but the newest', 'kudurru log retire --before 5000000 --to /mnt/archive/kudurru'],
  ],
  async run(invocation) {
    invocation.take();
    const before = BigInt(wholeNumber('--before', invocation.required('before')));
    const { state } = invocation.locations();
    const folder = folderOf(invocation.required('to'), state);
    const { terminal, isJson } = invocation;
    const retired = await retire(invocation, { state, folder, before });
    if (isJson) terminal.printJson(retired);
    else {
      const { firstSegment, lastSegment, firstIndex, bytes } = retired;
      terminal.printFacts([
        ['retired', `segments ${firstSegment} to ${lastSegment}, ${size(Number(bytes))} moved`],
        ['journal', `begins with entry ${firstIndex}`],
        ['kept in', folder],
      ]);
    }
    return EXIT.good;
  },
};

function folderOf(to: string, state: string): string {
  try {
    mkdirSync(to, { recursive: true, mode: FOLDER_MODE });
    const folder = realpathSync(to);
    const within = `${realpathSync(state)}/`;
    if (!`${folder}/`.startsWith(within)) return folder;
  } catch (error) {
    throw wrongUse(`"${to}" cannot be used: ${reasonOf(error)}`);
  }
  throw wrongUse(`"${to}" is within the state folder`, 'name a folder elsewhere');
}

async function retire(
  { terminal }: Invocation,
  { state, folder, before }: { state: string; folder: string; before: bigint },
): Promise<Retired> {
  let ledger: Ledger | null = null;
  try {
    const ledgerId = readLedgerId(state);
    ledger = await openLedger({ folder: state, ledgerId, segmentBytes: SEGMENT_BYTES });
    const anchored = await anchoredSize(ledger);
    const { left, ...which } = await ledger.retire({ before, anchored, folder });
    let bytes = 0n;
    for (let moved = 1; moved <= left; moved += 1) {
      const movedBytes = await ledger.retireNext();
      bytes += movedBytes;
      terminal.say(`segment ${moved} of ${left} moved, ${size(Number(movedBytes))}`);
    }
    return { ...which, moved: left, bytes, folder };
  } catch (error) {
    throw failureOf(error);
  } finally {
    await ledger?.release();
  }
}

/** Entries that the newest anchor covers. */
async function anchoredSize(ledger: Ledger): Promise<bigint> {
  let anchored = 0n;
  for (const kind of ANCHOR_KINDS) {
    const index = await ledger.lastOfKind(kind);
    if (index === null) continue;
    const entry = decodeEntry(await ledger.readEntry(index));
    if (isAnchorEntry(entry) && entry.size > anchored) anchored = entry.size;
  }
  return anchored;
}

function failureOf(error: unknown): unknown {
  if (!(error instanceof NativeError)) return error;
  const { code, message } = error;
  const advice = code === 'state-folder-locked' ? ': stop the daemon first' : '';
  const text = `nothing more was moved: ${message}${advice}`;
  return new Failure(EXIT.foundBad, text, { code, cause: error });
}
