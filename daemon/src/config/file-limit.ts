/** Whether the kernel lets this process open as many files as its settings may need. */
import { readFileSync } from 'node:fs';

import { KudurruError } from '../base/errors.ts';

/** Sockets that the agents' door still reads after their end (native/src/core/intake). */
const lingeringMax = 256;
/** Log door (two listeners of 128), control socket (64), journal, tiles, index, runtime. */
const besidesMax = 512;

/**
 * The runtime has raised its own soft limit to the hard one by now.
 * @throws KudurruError `config-invalid`
 */
export function checkFileLimit(connectionsMax: number, limits = readLimits()): void {
  const needed = connectionsMax + lingeringMax + besidesMax;
  const [, soft = ''] = /^Max open files\s+(\S+)/mu.exec(limits) ?? [];
  if (soft === 'unlimited' || Number(soft) >= needed) return;
  throw new KudurruError(
    'config-invalid',
    `start refused: "connectionsMax" is ${connectionsMax}, for which ${needed} open files are ` +
      `needed, and this process may have ${soft || 'an unknown number'}; raise the limit ` +
      `(LimitNOFILE=${needed} in the unit, or: ulimit -n ${needed}) or lower "connectionsMax"`,
  );
}

function readLimits(): string {
  return readFileSync('/proc/self/limits', 'utf8');
}
