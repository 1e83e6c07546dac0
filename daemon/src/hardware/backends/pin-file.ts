/** The token's PIN in a file: as its owner wrote it there, and readable by nobody else. */
import { readFileSync, statSync } from 'node:fs';

import { reasonOf } from '../../base/errors.ts';
import { DeviceError } from '../device-error.ts';

/** @throws DeviceError `device-missing` */
export function readPinFile(path: string): string {
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0) throw new Error('others can read it; close it with chmod 600');
    return readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    throw new DeviceError(
      'device-missing',
      `token not opened: PIN file '${path}' not usable: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}
