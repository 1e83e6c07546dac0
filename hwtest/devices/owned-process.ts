/** Starts an owner (owner.ts), and tells when what it owns is gone. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { OwnerOrder } from './owner.ts';

export interface Owned {
  readonly owner: ChildProcess;
  /** Of the process it owns. */
  readonly pid: number;
}

export async function startOwner(order: OwnerOrder): Promise<Owned> {
  const program = fileURLToPath(new URL('owner.ts', import.meta.url));
  const owner = fork(program, [], { execArgv: [], serialization: 'advanced' });
  owner.send(order);
  const [pid] = (await once(owner, 'message')) as [number];
  return { owner, pid };
}

/** kill -9 of the owner, seen to its end. */
export async function killOwner(owned: Owned): Promise<void> {
  const ended = once(owned.owner, 'exit');
  owned.owner.kill('SIGKILL');
  await ended;
}

/** True as soon as the process is gone or a zombie; false when it is there after ten seconds. */
export async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 1000; i += 1) {
    if (!isRunning(pid)) return true;
    await wait(10);
  }
  return false;
}

function isRunning(pid: number): boolean {
  try {
    // The state follows the command's name, which is in parentheses (proc_pid_stat(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
