/**
 * The Debian packages: compilers and libraries for the addons, and the emulated devices. They are
 * the one thing outside the checkout, so they are installed only by root; others get the line to
 * run.
 */
import { spawnSync } from 'node:child_process';

import { runProgram, SetupError } from './steps.mjs';

/** To build and run the addons, the PKCS#11 binding (python3: node-gyp) and the emulators. */
const runPackages = [
  'cmake',
  'g++',
  'libsodium-dev',
  'libtss2-dev',
  'libtss2-tcti-swtpm0',
  'make',
  'pkg-config',
  'python3',
  'softhsm2',
  'swtpm',
  'swtpm-tools',
  'tpm2-tools',
];

/** To test: C++ tests, fuzz targets, formatting, a browser for the verifier, keys, the lab. */
const testPackages = [
  'age',
  'chromium',
  'clang-19',
  'clang-format-19',
  'iproute2',
  'libclang-rt-19-dev',
  'libgtest-dev',
  'libssl-dev',
  'linuxptp',
  'openssh-client',
  'util-linux',
];

/**
 * @param {{ forTests: boolean }} options
 * @returns {import('./steps.mjs').Step}
 */
export function debianStep({ forTests }) {
  const wanted = forTests ? [...runPackages, ...testPackages] : runPackages;
  return {
    name: 'Debian packages',
    pending: () => {
      const missing = missingOf(wanted);
      return missing.length === 0 ? undefined : `install ${missing.join(' ')}`;
    },
    run: () => install(missingOf(wanted)),
  };
}

/** @param {string[]} wanted */
export function missingOf(wanted) {
  const format = '${Package} ${db:Status-Status}\n';
  const { stdout, error } = spawnSync('dpkg-query', ['-W', '-f', format, ...wanted], {
    encoding: 'utf8',
  });
  if (error) {
    const list = wanted.join(' ');
    throw new SetupError(`this is no Debian system: install what these provide, ${list}`, 2);
  }
  const present = new Set(stdout.split('\n').filter((line) => line.endsWith(' installed')));
  return wanted.filter((name) => !present.has(`${name} installed`));
}

/** @param {string[]} missing */
function install(missing) {
  const parameters = ['install', '--yes', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0) {
    const line = `sudo apt-get update && sudo apt-get ${parameters.join(' ')}`;
    throw new SetupError(`Debian packages are missing; run this, then the same again:\n${line}`, 2);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  runProgram('apt-get', ['-q', 'update'], { env, show: true });
  runProgram('apt-get', ['-q', ...parameters], { env, show: true });
}
