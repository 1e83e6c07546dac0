/** Every rule, by name. */
import { bannedCalls } from './banned-calls.ts';
import { errorCodes } from './error-codes.ts';
import { importMap } from './import-map.ts';
import { layout } from './layout.ts';
import { fileNames } from './names.ts';
import { orphans } from './orphans.ts';
import { cppFunctionSizes, fileSizes, hardwareInterfaces, lineLengths } from './sizes.ts';
import { snippets } from './snippets.ts';
import type { Rule } from './source.ts';
import { leftoverMarks, machinePaths } from './text-rules.ts';

export const RULES: Readonly<Record<string, Rule>> = {
  'banned calls': bannedCalls,
  'C++ function sizes': cppFunctionSizes,
  'error codes': errorCodes,
  'file names': fileNames,
  'file sizes': fileSizes,
  'hardware interfaces': hardwareInterfaces,
  'import map': importMap,
  layout,
  'leftover marks': leftoverMarks,
  'line lengths': lineLengths,
  'machine paths': machinePaths,
  orphans,
  snippets,
};
