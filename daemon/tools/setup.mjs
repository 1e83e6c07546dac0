/**
 * From a fresh clone to a running daemon or a finished test run, in one command:
 *
 *   node daemon/tools/setup.mjs start [-- arguments]     the daemon with its embedded devices
 *   node daemon/tools/setup.mjs test [-- arguments]      every test, or those that mocha is told
 *   node daemon/tools/setup.mjs build                    only what `start` needs built
 *   node daemon/tools/setup.mjs prepare                  only what `test` needs built
 *
 * Runs before anything is installed, so it is plain JavaScript for Node 20 without dependencies. It
 * changes nothing outside the checkout but Debian packages, and these only as root. All it says
 * goes to stderr. Exit codes: of the command it ends in; 1 a step failed; 2 wrong use or something
 * is missing that only the person at the keyboard can install.
 */
import { holdLock } from './setup/lock.mjs';
import { runSteps, SetupError } from './setup/steps.mjs';
import { stepsFor } from './setup/plan.mjs';
import { announce, checkMachine } from './setup/machine.mjs';
import { checkoutRoot } from './setup/paths.mjs';
import { runOnPinnedNode } from './setup/pinned-node.mjs';
import { mochaArguments } from './setup/tests.mjs';

const COMMANDS = ['start', 'test', 'build', 'prepare'];

const [command = '', ...rest] = process.argv.slice(2);
const passedOn = rest[0] === '--' ? rest.slice(1) : rest;

try {
  if (!COMMANDS.includes(command)) {
    throw new SetupError(`unknown command '${command}': use one of ${COMMANDS.join(', ')}`, 2);
  }
  checkMachine();
  const steps = stepsFor(command);
  announce(command, steps, passedOn);
  const release = await holdLock(checkoutRoot);
  try {
    runSteps(steps);
  } finally {
    await release();
  }
  if (command === 'start') await runOnPinnedNode(['daemon/tools/start.ts', ...passedOn]);
  if (command === 'test') await runOnPinnedNode(mochaArguments(passedOn));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
