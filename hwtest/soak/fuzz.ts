/** The fuzz targets of the native code: the time is divided among them. */
import { readdirSync } from 'node:fs';

import { runProgram } from './run-program.ts';
import type { Soak } from './soak.ts';

const targets = new URL('../../native/fuzz/', import.meta.url);

export const fuzz: Soak = {
  name: 'fuzz',
  about: 'the fuzz targets of the native code, one after another',
  run: ({ minutes, say }) => {
    const count = readdirSync(targets).filter((name) => name.endsWith('.cpp')).length;
    const seconds = Math.max(1, Math.floor((minutes * 60) / count));
    return runProgram(['daemon/tools/fuzz.ts', '--seconds', String(seconds)], say);
  },
};
