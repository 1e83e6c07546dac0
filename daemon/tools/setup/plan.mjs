/** Which steps a command takes, in order. */
import { addonsStep, nativeTestsStep, packagesStep } from './builds.mjs';
import { debianStep } from './debian.mjs';
import { npmStep, pkcs11Step } from './npm.mjs';

/**
 * @param {string} command
 * @returns {import('./steps.mjs').Step[]}
 */
export function stepsFor(command) {
  const forTests = command === 'test' || command === 'prepare';
  return [
    debianStep({ forTests }),
    npmStep(),
    pkcs11Step(),
    packagesStep(),
    addonsStep(),
    ...(forTests ? [nativeTestsStep()] : []),
  ];
}
