// @kudurru/native: the typed face of the addon. Every name here checks its arguments before the
// C++ side sees them.
export { readClock, type ClockReading } from './clock.ts';
export { leafHash, sha256, treeRoot } from './crypto.ts';
export { NativeError, type NativeFailure } from './native-error.ts';
