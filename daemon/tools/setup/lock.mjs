/**
 * One set-up at a time in a checkout: `npm start` and `npm test` typed in two windows would
 * otherwise build over each other. The lock is a file with the pid of its holder; one whose holder
 * is gone is taken over.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { inCheckout } from './paths.mjs';

const lockFile = inCheckout('native', 'build', 'setup.lock');
const retryMs = 200;

/** @returns {Promise<() => void>} gives the lock back */
export async function holdLock() {
  mkdirSync(dirname(lockFile), { recursive: true });
  let waiting = false;
  while (!take()) {
    const holder = Number.parseInt(readHolder(), 10);
    if (!isAlive(holder)) {
      rmSync(lockFile, { force: true });
      continue;
    }
    if (!waiting) process.stderr.write(`  waiting for another set-up here (process ${holder})\n`);
    waiting = true;
    await sleep(retryMs);
  }
  return () => rmSync(lockFile, { force: true });
}

function take() {
  try {
    writeFileSync(lockFile, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Empty when the holder gave it back between two looks. */
function readHolder() {
  try {
    return readFileSync(lockFile, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
