/** What machine this is, and what the person is told before anything changes on it. */
import { SetupError } from './steps.mjs';
import { checkoutRoot } from './paths.mjs';

export function checkMachine() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Node ${process.version} is too old: install Node 20.19 or newer`, 2);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const found = `${process.platform} ${process.arch}`;
    throw new SetupError(`this is ${found}: Kudurru runs on Linux x64 (tested on Debian 12)`, 2);
  }
}

/**
 * @param {string} command
 * @param {import('./steps.mjs').Step[]} steps
 * @param {string[]} passedOn
 */
export function announce(command, steps, passedOn) {
  const lines = [`Kudurru: ${command} in ${checkoutRoot}`];
  for (const step of steps) {
    const what = step.pending();
    if (what !== undefined) lines.push(`  to do: ${step.name}: ${what}`);
  }
  if (command === 'start') lines.push(`  state: ${stateFolder(passedOn)}`);
  if (command === 'test') lines.push('  state: new folders in the temporary folder, removed again');
  process.stderr.write(`${lines.join('\n')}\n\n`);
}

/** @param {string[]} passedOn */
function stateFolder(passedOn) {
  const at = passedOn.indexOf('--state');
  const inline = passedOn.find((argument) => argument.startsWith('--state='));
  return (
    inline?.slice('--state='.length) ??
    (at >= 0 ? passedOn[at + 1] : undefined) ??
    process.env['KUDURRU_STATE'] ??
    `${checkoutRoot}/.kudurru (remove it to begin anew)`
  );
}
