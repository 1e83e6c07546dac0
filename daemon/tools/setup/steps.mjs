/**
 * A step of the set-up: done only when its inputs have changed, timed, quiet unless it fails.
 *
 * @typedef {object} Step
 * @property {string} name what it is about, as printed
 * @property {() => string | undefined} pending what it would do; undefined when there is nothing to
 * do
 * @property {() => void} run does it; throws SetupError
 */
import { spawnSync } from 'node:child_process';

import { checkoutRoot } from './paths.mjs';

/** A failure that the person can understand without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {number} exitCode
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param {Step[]} steps */
export function runSteps(steps) {
  for (const step of steps) {
    if (step.pending() === undefined) {
      process.stderr.write(`  ${step.name}: unchanged\n`);
      continue;
    }
    process.stderr.write(`  ${step.name} ...\n`);
    const startedMs = performance.now();
    step.run();
    const seconds = (performance.now() - startedMs) / 1000;
    process.stderr.write(`  ${step.name}: done in ${seconds.toFixed(1)} s\n`);
  }
  process.stderr.write('\n');
}

/**
 * Runs a program in the checkout and waits. Its output is shown only when it fails, or all along
 * with `show` (for what takes minutes).
 *
 * @param {string} program
 * @param {string[]} parameters
 * @param {{ env?: NodeJS.ProcessEnv, show?: boolean }} options
 */
export function runProgram(program, parameters, { env = process.env, show = false } = {}) {
  const result = spawnSync(program, parameters, {
    cwd: checkoutRoot,
    env,
    stdio: ['ignore', show ? 2 : 'pipe', show ? 2 : 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (result.error) {
    throw new SetupError(`'${program}' did not start: ${result.error.message}`);
  }
  if (result.status === 0) return;
  const ended = result.signal ? `signal ${result.signal}` : `exit code ${result.status}`;
  const line = [program, ...parameters].join(' ');
  throw new SetupError(`${result.stdout ?? ''}${result.stderr ?? ''}\n'${line}' failed: ${ended}`);
}
