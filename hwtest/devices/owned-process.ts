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
  const ended = once(owner, 'exit').then(([code, signal]) => {
    throw new Error(`the owner ended (${String(signal ?? code)}) before it owned anything`);
  });
  owner.send(order);
  const [pid] = (await Promise.race([once(owner, 'message'), ended])) as [number];
  // From here on its end is what the test is about.
  ended.catch(() => undefined);
  return { owner, pid };
}

/** kill -9 of the owner, seen to its end. */
export async function killOwner(owned: Owned): Promise<void> {
  const ended = once(owned.owner, 'exit');
  owned.owner.kill('SIGKILL');
  await ended;
}
