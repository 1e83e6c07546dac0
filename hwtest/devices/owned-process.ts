/** Starts an owner (owner.ts) and ends it the hard way. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
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
