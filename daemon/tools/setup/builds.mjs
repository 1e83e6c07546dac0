/** What is compiled: the packages that others import, the addons, and the C++ tests. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

import { inCheckout, runtimeProgram } from './paths.mjs';
import { runProgram } from './steps.mjs';
import { digestOf, isStamped, stamp } from './stamps.mjs';

/** Little optimisation and line numbers only: half the time to compile, and reports as good. */
const sanitized = [
  '-DKUDURRU_TESTS=ON',
  '-DKUDURRU_SANITIZE=ON',
  '-DCMAKE_BUILD_TYPE=None',
  '-DCMAKE_CXX_FLAGS=-O1 -g1 -fno-omit-frame-pointer',
];

/** @returns {import('./steps.mjs').Step} */
export function packagesStep() {
  return buildStep({
    name: 'published packages',
    inputs: [
      ...['proof', 'agent'].flatMap((name) => [
        `daemon/${name}/src`,
        `daemon/${name}/tsconfig.json`,
      ]),
      'tsconfig.base.json',
      'package-lock.json',
    ],
    outputs: ['daemon/proof/dist/index.js', 'daemon/agent/dist/index.js'],
    what: 'compile @kudurru/proof and @kudurru/agent into their dist folders',
    run: () => {
      const compiler = inCheckout('node_modules', 'typescript', 'bin', 'tsc');
      runProgram(runtimeProgram, [compiler, '-b', 'daemon/proof', 'daemon/agent']);
    },
  });
}

/** @returns {import('./steps.mjs').Step} */
export function addonsStep() {
  return buildStep({
    name: 'native addons',
    inputs: ['native/CMakeLists.txt', 'native/src', 'package-lock.json'],
    outputs: ['native/build/kudurru.node', 'native/build/tpm2tss.node'],
    what: 'compile kudurru.node and tpm2tss.node into native/build',
    run: () => cmake('native/build', []),
  });
}

/** @returns {import('./steps.mjs').Step} */
export function nativeTestsStep() {
  return buildStep({
    name: 'C++ tests',
    inputs: [
      ...['native/CMakeLists.txt', 'native/src/core', 'native/test', 'native/sim'],
      'native/bench/parts',
    ],
    outputs: ['native/build/test/Makefile'],
    what: 'compile them with address and undefined-behaviour sanitizers, into native/build/test',
    run: () => cmake('native/build/test', sanitized),
  });
}

/**
 * @param {string} folder
 * @param {string[]} settings
 */
function cmake(folder, settings) {
  runProgram('cmake', ['-S', 'native', '-B', folder, '-G', 'Unix Makefiles', ...settings]);
  runProgram('cmake', ['--build', folder, `-j${availableParallelism()}`]);
}

/**
 * @param {{ name: string, inputs: string[], outputs: string[], what: string, run: () => void }}
 * build
 * @returns {import('./steps.mjs').Step}
 */
function buildStep({ name, inputs, outputs, what, run }) {
  const isBuilt = () => outputs.every((path) => existsSync(inCheckout(path)));
  return {
    name,
    pending: () => (isBuilt() && isStamped(name, digestOf(inputs)) ? undefined : what),
    run: () => {
      // Taken before: an input that changes meanwhile is seen by the next run.
      const digest = digestOf(inputs);
      run();
      stamp(name, digest);
    },
  };
}
