/** A ptp4l of this box, asked by the broker: a process that can ask and subscribe, nothing else. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { TimeRecordSplitter } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import type { TimeSource } from '../time-source.ts';

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
  return {
    start(hear) {
      const places = [{ path: socket, access: 'read-write' }];
      const told = JSON.stringify({ ...settings, places, parentPid: process.pid });
      const child = spawn(process.execPath, [program, told], {
        env: process.env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const splitter = new TimeRecordSplitter();
      const { promise: ended, resolve } = Promise.withResolvers<string>();
      child.stdout.on('data', (piece: Buffer) => {
        try {
          for (const record of splitter.push(new Uint8Array(piece))) hear(record);
        } catch (error) {
          // Nothing after it can be trusted.
          resolve(`it spoke what is no record: ${reasonOf(error)}`);
          child.kill('SIGKILL');
        }
      });
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
      return { ended, stop: () => void child.kill('SIGTERM') };
    },
  };
}
