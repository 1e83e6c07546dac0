/** ptp4l's socket in the file system: which there are, whose they are. */
import { lstatSync, realpathSync, statSync } from 'node:fs';

import { Ptp4lError } from './client-error.ts';

export interface ServerPlace {
  readonly path: string;
  /** linuxptp 4 has a socket that takes GET alone. */
  readonly access: 'read-only' | 'read-write';
}

/** Where linuxptp has its sockets by default; after 4.4 it is the second of each. */
export const DEFAULT_PLACES: readonly ServerPlace[] = [
  { path: '/var/run/ptp4lro', access: 'read-only' },
  { path: '/var/run/ptp/ptp4lro', access: 'read-only' },
  { path: '/var/run/ptp4l', access: 'read-write' },
  { path: '/var/run/ptp/ptp4l', access: 'read-write' },
];

/** The first of `places` where there is a socket, or undefined. */
export function findServer(places: readonly ServerPlace[]): ServerPlace | undefined {
  return places.find(({ path }) => statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false);
}

/**
 * Refuses a socket that somebody else put there, before anything is sent to it.
 * @throws Ptp4lError `socket-gone`, `socket-impostor`
 */
export function requireOwner(path: string, allowedUids: readonly number[]): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) throw new Ptp4lError('socket-gone', `there is no socket at "${path}"`);
  if (!file.isSocket()) throw new Ptp4lError('socket-impostor', `"${path}" is not a socket`);
  // A symbolic link is whoever made it.
  for (const { uid } of [file, lstatSync(path)]) {
    if (allowedUids.includes(uid)) continue;
    const allowed = allowedUids.join(', ');
    const message = `the socket at "${path}" is of user ${uid}, and ptp4l runs as ${allowed}`;
    throw new Ptp4lError('socket-impostor', message);
  }
}

/** Whether two paths lead to the same file, such as /var/run/ptp4l and /run/ptp4l. */
export function isSameFile(one: string, other: string): boolean {
  return one === other || (one.startsWith('/') && resolved(one) === resolved(other));
}

/** A path that leads nowhere is itself. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return path;
  }
}
