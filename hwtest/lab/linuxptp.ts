/**
 * The linuxptp programs that a lab can start: this machine's Debian package, and linuxptp 4 out of
 * Debian 13, which is fetched on request into a folder of the user's cache and runs from there,
 * with its own C library, beside the other.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { runProgram } from '../backends/run-program.ts';

export interface Linuxptp {
  readonly version: string;
  /** What runs each program: its words before any flag. */
  readonly ptp4l: readonly string[];
  readonly pmc: readonly string[];
  /** From 4.0 on. */
  readonly hasReadOnlySocket: boolean;
}

export const STOCK_LINUXPTP: Linuxptp = {
  version: 'of this machine',
  ptp4l: ['ptp4l'],
  pmc: ['pmc'],
  hasReadOnlySocket: false,
};

const suite = 'trixie';
/** A download of some 15 MB. */
const fetchTimeoutMs = 600_000;

/** What to do where there is none. */
export const NEWER_LINUXPTP_MISSING =
  'there is no linuxptp 4 here: "npm run drill -- --fetch-linuxptp" fetches it from Debian 13';

/** linuxptp 4, or null where it was not fetched. */
export function newerLinuxptp(): Linuxptp | null {
  const root = rootFolder();
  if (!existsSync(root)) return null;
  const libraries = join(root, 'usr/lib', only(join(root, 'usr/lib'), /-linux-gnu$/u));
  const loader = join(libraries, only(libraries, /^ld-linux/u));
  const program = (name: string): string[] => {
    return [loader, '--library-path', libraries, join(root, 'usr/sbin', name)];
  };
  return {
    version: '4',
    ptp4l: program('ptp4l'),
    pmc: program('pmc'),
    hasReadOnlySocket: true,
  };
}

/** Fetches it from the mirror that apt is configured for; the folder it is in. Needs mmdebstrap. */
export async function fetchNewerLinuxptp(): Promise<string> {
  const root = rootFolder();
  if (existsSync(root)) return root;
  mkdirSync(dirname(root), { recursive: true });
  const unfinished = mkdtempSync(`${root}-`);
  const words = ['--variant=extract', '--include=linuxptp', suite, unfinished, await mirror()];
  try {
    await runProgram('mmdebstrap', words, { timeoutMs: fetchTimeoutMs });
    renameSync(unfinished, root);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
  return root;
}

function rootFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'kudurru', `linuxptp-${suite}`);
}

async function mirror(): Promise<string> {
  const format = '$(LABEL) $(REPO_URI)';
  const listed = await runProgram('apt-get', ['indextargets', '--format', format]);
  const found = listed.split('\n').find((line) => line.startsWith('Debian '));
  if (found === undefined) throw new Error('apt is configured for no mirror of Debian');
  return found.slice('Debian '.length);
}

function only(folder: string, name: RegExp): string {
  const found = readdirSync(folder).filter((each) => name.test(each));
  if (found.length !== 1) throw new Error(`${folder}: ${found.length} names like ${name.source}`);
  return found[0] ?? '';
}
