/**
 * A program of this house that reads a source of time: it is told its settings as one JSON object,
 * writes time records to its standard output, and ends with the process that started it.
 */
import { spawn } from 'node:child_process';

import { TimeRecordSplitter } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import type { TimeSource } from '../time-source.ts';

/** @param program path; `parentPid` is added to its settings. */
export function timeProcess(program: string, settings: object): TimeSource {
  return {
    start(hear) {
      const told = JSON.stringify({ ...settings, parentPid: process.pid });
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
