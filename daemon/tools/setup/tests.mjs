/** What mocha is told: every test file, unless the person names files. Options pass through. */
import { existsSync } from 'node:fs';

import { inCheckout } from './paths.mjs';

const everyTest = ['daemon/**/*.test.ts', 'native/**/*.test.ts', 'hwtest/**/*.test.ts'];

/** @param {string[]} passedOn */
export function mochaArguments(passedOn) {
  const namesFiles = passedOn.some((argument) => existsSync(inCheckout(argument)));
  return [
    inCheckout('node_modules', 'mocha', 'bin', 'mocha.js'),
    ...passedOn,
    ...(namesFiles ? [] : everyTest),
  ];
}
