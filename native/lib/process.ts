// What a small program gives up at its start.
import { checkInteger } from './arguments.ts';
import { nativePart } from './load.ts';

interface ProcessPart {
  dieWithParent(parentPid: number): boolean;
  dropCapabilities(): void;
}

const native = nativePart<ProcessPart>();

/**
 * The kernel kills this process when the one that started it ends. False where that was not
 * `parentPid`, or is gone already. @throws NativeError errno
 */
export function dieWithParent(parentPid: number): boolean {
  checkInteger(parentPid, 'parentPid', { min: 1, max: 2 ** 31 - 1 });
  return native.dieWithParent(parentPid);
}

/**
 * Gives up every capability for good, in this thread and in what it executes: the program that has
 * some executes itself after this, so that no thread keeps any. @throws NativeError errno
 */
export function dropCapabilities(): void {
  native.dropCapabilities();
}
