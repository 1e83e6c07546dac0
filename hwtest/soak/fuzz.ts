/** The fuzz targets of both languages. */
import type { Soak } from './soak.ts';
import { runProgram } from './run-program.ts';

export const fuzz: Soak = {
  name: 'fuzz',
  about: 'the fuzz targets of the native code, in turns',
  run: ({ minutes, say }) => {
    const seconds = Math.max(1, Math.floor((minutes * 60) / 12));
    return runProgram(['daemon/tools/fuzz.ts', '--seconds', String(seconds)], say);
  },
};
