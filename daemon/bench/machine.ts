/** The machine a run is measured on: what must stand beside every figure. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly runtime: string;
  /** Type, device and options of the file system that holds the state. */
  readonly fileSystem: string;
  /** Load average of the last minute before the run: above 0.2, others were at work. */
  readonly loadBefore: number;
}

/** Magic numbers of file systems that keep nothing (statfs(2)). */
const MEMORY_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);

/** Refuses a folder in memory: a sync costs nothing there. @throws Error */
export function requireDisk(folder: string): void {
  const name = MEMORY_FILE_SYSTEMS.get(statfsSync(folder).type);
  if (name === undefined) return;
  throw new Error(
    `nothing measured: "${folder}" is on ${name}, where a sync costs nothing; ` +
      'name a folder on a real disk with --state DIR',
  );
}

export function machineFacts(folder: string): MachineFacts {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    runtime: process.version,
    fileSystem: fileSystemOf(folder),
    loadBefore: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
  };
}

/** The mount with the longest path that holds the folder (proc_pid_mountinfo(5)). */
function fileSystemOf(folder: string): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const words = line.split(' ');
      const rest = words.slice(words.indexOf('-') + 1);
      return { at: words[4] ?? '', options: words[5] ?? '', type: rest[0], device: rest[1] };
    })
    .filter(({ at }) => at === '/' || folder === at || folder.startsWith(`${at}/`))
    .toSorted((one, other) => other.at.length - one.at.length);
  const [mount] = mounts;
  return mount === undefined ? 'unknown' : `${mount.type} on ${mount.device} (${mount.options})`;
}
