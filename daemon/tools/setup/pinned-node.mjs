/**
 * Hands over to the pinned runtime: its output, exit code and signals become ours. Node 20 cannot
 * replace its own process, so this one stays as a thin parent.
 */
import { spawn } from 'node:child_process';

import { checkoutRoot, inCheckout, runtimeProgram } from './paths.mjs';

const forwarded = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);

/**
 * @param {string[]} parameters
 * @returns {Promise<void>}
 */
export function runOnPinnedNode(parameters) {
  const child = spawn(runtimeProgram, parameters, {
    cwd: checkoutRoot,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${inCheckout('node_modules', '.bin')}:${process.env['PATH']}` },
  });
  for (const signal of forwarded) {
    process.on(signal, () => {
      // A terminal sends its signals to the child as well; once is enough.
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const name of forwarded) process.removeAllListeners(name);
      if (signal) process.kill(process.pid, signal);
      else process.exitCode = code ?? 1;
      resolve();
    });
  });
}
