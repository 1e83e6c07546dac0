/**
 * The npm packages, exactly as the lock file has them, and the one of them that must be compiled.
 * Nothing is taken from the person's own npm settings: install scripts are off (.npmrc), and
 * pkcs11js is built against the headers inside the pinned runtime's package, without a download.
 */
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';

import { inCheckout, runtimeFolder, runtimeProgram } from './paths.mjs';
import { runProgram } from './steps.mjs';
import { digestOf, isStamped, stamp } from './stamps.mjs';

/** @returns {import('./steps.mjs').Step} */
export function npmStep() {
  const digest = digestOf(['package-lock.json']);
  return {
    name: 'npm packages',
    pending: () =>
      isStamped('npm', digest) && existsSync(runtimeProgram)
        ? undefined
        : 'npm ci, into node_modules (430 MB)',
    run: () => {
      // NODE_ENV=production must not leave the tools out.
      runProgram('npm', ['ci', '--include=dev'], { env: ownEnvironment() });
      stamp('npm', digest);
    },
  };
}

/** @returns {import('./steps.mjs').Step} */
export function pkcs11Step() {
  const addon = inCheckout('node_modules', 'pkcs11js', 'build', 'Release', 'pkcs11.node');
  const digest = digestOf(['package-lock.json']);
  return {
    name: 'pkcs11js',
    pending: () =>
      isStamped('pkcs11js', digest) && existsSync(addon)
        ? undefined
        : 'compile it against the headers of the pinned runtime',
    run: () => {
      const env = {
        ...ownEnvironment(),
        // The same setting, as node-gyp reads it under npm 11 and newer, and under older ones.
        npm_package_config_node_gyp_nodedir: runtimeFolder,
        npm_config_nodedir: runtimeFolder,
      };
      runProgram('npm', ['rebuild', 'pkcs11js', '--ignore-scripts=false'], { env });
      stamp('pkcs11js', digest);
    },
  };
}

/**
 * Without node_modules/.bin in the search path: `npm ci` removes the runtime in there, and must not
 * run on what it removes.
 */
function ownEnvironment() {
  const bin = inCheckout('node_modules', '.bin');
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== bin);
  return { ...process.env, PATH: path.join(delimiter) };
}
