/**
 * Call sites of the daemon that change the disk: the call, the class of the file, and who makes it.
 * In the addon that is the function of the source that calls the storage, found through the
 * debugging information, inlined or not; elsewhere it is what owns the file.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

export const addon = fileURLToPath(new URL('../../native/build/kudurru.node', import.meta.url));
export const addonName = basename(addon);

/** Class, and which files are of it, relative to the state folder; the first that fits. */
export const FILE_CLASSES: readonly (readonly [name: string, glob: string])[] = [
  ['lock', 'lock'],
  ['next-segment', 'journal/next.journal'],
  ['segment', 'journal/*.journal'],
  ['journal-folder', 'journal'],
  ['published-mark', 'lookup/published*'],
  ['tile-unfinished', 'lookup/tile'],
  ['lookup', 'lookup/*'],
  ['lookup-folder', 'lookup'],
  ['snapshot-unfinished', 'snapshot/next.snapshot'],
  ['snapshot', 'snapshot/*'],
  ['snapshot-folder', 'snapshot'],
  ['entry-bundle', 'tile/entries/*'],
  ['hash-tile', 'tile/[0-9]*'],
  ['tile-folder', 'tile*'],
  ['checkpoint', 'checkpoint*'],
  ['index', 'index*'],
  ['facts', 'ledger.json*'],
  ['socket', '*.sock'],
  ['state-folder', '.'],
];

/** Who makes the calls on files that the addon does not touch. */
const owners: Readonly<Record<string, string>> = {
  checkpoint: 'publish',
  facts: 'writeLedgerFile',
  index: 'SQLite',
  socket: 'server',
  'state-folder': 'SQLite',
};

/** Sources whose functions pass a call on: its site is who called them. */
const passesOn = /\/(?:posix-storage|storage)\.cpp:/u;

export interface Passage {
  readonly call: string;
  readonly fileClass: string;
  /** Offsets in the addon, hexadecimal, innermost first. */
  readonly frames: readonly string[];
  readonly path: string;
}

export interface Site {
  /** `pwrite segment Journal::writeRecord`. */
  readonly name: string;
  readonly call: string;
  readonly fileClass: string;
  /** How the library knows it: the ways it was reached in a trace. */
  readonly frames: readonly string[];
  readonly passages: number;
}

/** The passages in a trace, and of them those that met the fault. */
export function readTrace(file: string): { passages: Passage[]; faults: Passage[] } {
  const passages: Passage[] = [];
  const faults: Passage[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [word, call = '', fileClass = '', frames = '-', path = ''] = line.split('\t');
    if (word !== 'pass' && word !== 'fault') continue;
    const passage = { call, fileClass, path, frames: frames === '-' ? [] : frames.split(',') };
    (word === 'pass' ? passages : faults).push(passage);
  }
  return { passages, faults };
}

/**
 * The sites of these passages, by name. With `callers`, each function that calls one makes a site
 * of its own: `fdatasync segment Journal::sync Journal::stop`.
 */
export function sitesOf(passages: readonly Passage[], callers = false): Map<string, Site> {
  const functions = functionsOf(new Set(passages.flatMap(({ frames }) => frames)));
  const sites = new Map<string, Site>();
  for (const { call, fileClass, frames } of passages) {
    const { names, depth } = innermost(frames, functions, callers ? 2 : 1);
    const who = names.length > 0 ? names.join(' ') : (owners[fileClass] ?? '?');
    const name = `${call} ${fileClass} ${who}`;
    const way = depth === 0 ? '-' : frames.slice(0, depth).join(',');
    const known = sites.get(name);
    sites.set(name, {
      name,
      call,
      fileClass,
      frames: [...new Set([...(known?.frames ?? []), way])],
      passages: (known?.passages ?? 0) + 1,
    });
  }
  return sites;
}

/** So many functions, and how many frames they take. */
function innermost(
  frames: readonly string[],
  functions: ReadonlyMap<string, readonly string[]>,
  count: number,
): { names: readonly string[]; depth: number } {
  const names: string[] = [];
  let depth = 0;
  for (const frame of frames) {
    if (names.length >= count) break;
    names.push(...(functions.get(frame) ?? []));
    depth++;
  }
  return names.length === 0 ? { names, depth: 0 } : { names: names.slice(0, count), depth };
}

/** The functions of each frame that do not pass the call on, an inlined one before its caller. */
function functionsOf(frames: ReadonlySet<string>): Map<string, readonly string[]> {
  const all = [...frames];
  if (all.length === 0) return new Map();
  // A return address is behind the call: the call itself is before it.
  const addresses = all.map((frame) => `0x${(BigInt(`0x${frame}`) - 1n).toString(16)}`);
  const said = execFileSync('addr2line', ['-aCfi', '-e', addon, ...addresses], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const parts = said.split(/^0x[0-9a-f]+\n/mu).slice(1);
  return new Map(
    parts.map((part, at): [string, readonly string[]] => {
      // Function and place in turns.
      const lines = part.split('\n');
      const own = lines.filter((_, row) => row % 2 === 0 && !passesOn.test(lines[row + 1] ?? ''));
      return [all[at] ?? '', own.map(shortName).filter((name) => name !== '')];
    }),
  );
}

/** `kudurru::Journal::append(kudurru::AppendOptions const&)` is `Journal::append`. */
function shortName(name: string): string {
  return name
    .replaceAll('kudurru::', '')
    .replaceAll('(anonymous namespace)::', '')
    .replace(/\(.*$/su, '')
    .replace(/<.*$/su, '')
    .trim();
}
