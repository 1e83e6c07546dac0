/** A ptp4l of this box, asked by the broker: a process that can ask and subscribe, nothing else. */
import { fileURLToPath } from 'node:url';

import type { TimeSource } from '../time-source.ts';
import { timeProcess } from './time-process.ts';

export interface Ptp4lPlace {
  /** ptp4l's socket. */
  readonly socket: string;
  /** Path of the broker's own socket, where ptp4l answers. */
  readonly clientPath: string;
  readonly domainNumber: number;
  /** Hexadecimal: the one clock that may answer. */
  readonly clockIdentity: string;
  readonly intervalMs: number;
  /** Users that ptp4l may run as. */
  readonly allowedUids: readonly number[];
}

const program = fileURLToPath(new URL('../../../ptp4l-client/src/main.ts', import.meta.url));

export function ptp4lBroker({ socket, ...settings }: Ptp4lPlace): TimeSource {
  const places = [{ path: socket, access: 'read-write' }];
  return timeProcess(program, { ...settings, places });
}
