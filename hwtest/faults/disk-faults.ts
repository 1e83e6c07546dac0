/** A plan for the preload library `disk-faults`, as its text; what it may say is in plan.h. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { preloadLibrary } from './preload.ts';
import { addonName, FILE_CLASSES, type Site } from './sites.ts';

export const FAULTS = ['EIO', 'ENOSPC', 'EINTR', 'short', 'kill-before', 'kill-after'] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultPlan {
  readonly state: string;
  /** Only these files of it, relative to it. Default: all. */
  readonly only?: readonly string[];
  /** A folder for the plan, the trace and what an undone unlink brings back; made here. */
  readonly folder: string;
  readonly site?: Site;
  /** `skip`: claims success and does nothing. `leave`: a kill, and the power stays. */
  readonly fault?: Fault | 'skip' | 'leave';
  /** The passage of the site that meets the fault, from 1. */
  readonly nth?: number;
  /** With `skip`: the kill, so many passages after the first that was skipped. */
  readonly killLater?: number;
  /** Where a process leaves, for the next one, what is in memory only. */
  readonly leftFile?: string;
  /** Every sync claims success and does nothing. */
  readonly ignoreSyncs?: boolean;
  /** Who is asked about which calls, `CALL CLASS`, before and after each. */
  readonly ask?: { readonly socketPath: string; readonly calls: readonly string[] };
  /** Only a process with this in its command line is watched. Default: the daemon. */
  readonly program?: string;
  readonly seed: number;
  /** Default true. */
  readonly isTraced?: boolean;
  /** Percent of the unsynced sectors that survive a kill. */
  readonly tearPercent: number;
}

/** Writes the plan. @returns the environment of a daemon that is to meet it */
export function writePlan(plan: FaultPlan): Record<string, string> {
  const spare = join(plan.folder, 'spare');
  mkdirSync(spare, { recursive: true });
  const { site, fault, ask } = plan;
  const lines = [
    `program ${plan.program ?? 'daemon/src/main.ts'}`,
    `state ${plan.state}`,
    ...(plan.only ?? []).map((glob) => `only ${glob}`),
    `spare ${spare}`,
    ...(plan.isTraced === false ? [] : [`trace ${traceOf(plan.folder)}`]),
    `object ${addonName}`,
    `fifo ${makeFifo(plan.folder)}`,
    `seed ${plan.seed}`,
    `tear ${plan.tearPercent}`,
    ...FILE_CLASSES.map(([name, glob]) => `class ${name} ${glob}`),
    ...(site?.frames ?? []).map((way) => `site ${site?.call} ${site?.fileClass} ${way}`),
    ...(fault === undefined ? [] : [`fault ${fault} ${plan.nth ?? 1}`]),
    ...(ask === undefined ? [] : [`ask ${ask.socketPath}`]),
    ...(ask?.calls ?? []).map((call) => `asked ${call}`),
    ...(plan.leftFile === undefined ? [] : [`left ${plan.leftFile}`]),
    ...(plan.ignoreSyncs === true ? ['ignore-syncs'] : []),
    ...(plan.killLater === undefined ? [] : [`later ${plan.killLater}`]),
  ];
  const file = join(plan.folder, 'plan');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { LD_PRELOAD: preloadLibrary('disk-faults'), DISK_FAULTS: file };
}

export function traceOf(folder: string): string {
  return join(folder, 'trace');
}

/** The environment of a program, and of what it starts, with a plan each. */
export function writePlans(plans: readonly FaultPlan[]): Record<string, string> {
  const environments = plans.map(writePlan);
  const files = environments.map(({ DISK_FAULTS: file }) => file ?? '');
  return { ...environments[0], DISK_FAULTS: files.join(':') };
}

/** A byte into it cuts the power of the process that has the plan in `folder`. */
export function fifoOf(folder: string): string {
  return join(folder, 'kill');
}

function makeFifo(folder: string): string {
  const fifo = fifoOf(folder);
  rmSync(fifo, { force: true });
  execFileSync('mkfifo', [fifo]);
  return fifo;
}

/**
 * Cuts the power of the daemon that has the plan in `folder`: it is killed, and the disk loses what
 * was not synced. False where it does not listen yet, or has ended: then it has written nothing.
 */
export function cutPower(folder: string): boolean {
  let fifo: number;
  try {
    fifo = openSync(fifoOf(folder), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
    throw error;
  }
  writeSync(fifo, '!');
  closeSync(fifo);
  return true;
}
