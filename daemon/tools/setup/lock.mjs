/**
 * One set-up at a time in a checkout: `npm start` and `npm test` typed in two windows would
 * otherwise build over each other. The lock is an abstract Unix socket named after the checkout:
 * the kernel gives it to one process, and takes it back when that process ends, however it ends.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const retryMs = 200;

/**
 * @param {string} folder the checkout
 * @returns {Promise<() => Promise<void>>} gives the lock back
 */
export async function holdLock(folder) {
  const name = `\0kudurru-setup-${createHash('sha256').update(folder).digest('hex')}`;
  let server = await listen(name);
  if (server === undefined) process.stderr.write('  waiting for another set-up of this checkout\n');
  while (server === undefined) {
    await sleep(retryMs);
    server = await listen(name);
  }
  const held = server;
  return () => new Promise((resolve) => held.close(() => resolve()));
}

/**
 * @param {string} name
 * @returns {Promise<import('node:net').Server | undefined>} undefined while another holds it
 */
function listen(name) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => resolve(server));
  });
}
