/**
 * The state folder is its owner's alone. That one daemon at a time uses it is the ledger's lock.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { makeFolder, syncFolder } from '../base/make-folder.ts';
import { KudurruError, wrapError } from '../base/errors.ts';

/** Bytes of a Unix socket's path that the kernel takes, with its closing NUL (unix(7)). */
const socketPathSizeBytesMax = 108;

/** Nobody but the owner: the folder holds sockets, sealed bodies and the token's PIN. */
const folderMode = 0o700;

/**
 * Makes the folder where it does not exist, its name durable before there is a journal in it, and
 * checks that it is ours alone.
 * @throws KudurruError `state-folder-unusable`
 */
export function prepareStateFolder(folder: string): void {
  try {
    makeFolder(folder, folderMode);
    const found = statSync(folder);
    const uid = process.getuid?.();
    if (found.uid !== uid) {
      throw new KudurruError(
        'state-folder-unusable',
        `state folder "${folder}" not used: it belongs to uid ${found.uid} and the daemon runs ` +
          `as uid ${uid}; run it as that user or name another folder with --state`,
      );
    }
    if ((found.mode & 0o077) !== 0) {
      throw new KudurruError(
        'state-folder-unusable',
        `state folder "${folder}" not used: others on this box can enter it; ` +
          `see what is in it, then close it with: chmod 700 "${folder}"`,
      );
    }
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    // A start that a crash ended may have made it, and not come to this.
    if (!existsSync(join(folder, 'journal'))) syncFolder(dirname(folder));
  } catch (cause) {
    throw wrapError('state-folder-unusable', `state folder "${folder}" not usable`, cause);
  }
}

/** @throws KudurruError `socket-path-too-long` */
export function checkSocketPath(path: string): void {
  const sizeBytes = Buffer.byteLength(path) + 1;
  if (sizeBytes <= socketPathSizeBytesMax) return;
  throw new KudurruError(
    'socket-path-too-long',
    `socket "${path}" not made: its path has ${sizeBytes - 1} bytes and the kernel takes ` +
      `${socketPathSizeBytesMax - 1}; name a shorter one, or a state folder nearer to the root`,
  );
}
