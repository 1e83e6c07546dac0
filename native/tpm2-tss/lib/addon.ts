// Loads tpm2tss.node once per environment, bound to the system's own OpenSSL.
//
// The node executable exports an OpenSSL of another version than the one tpm2-tss was linked to. A
// plain load would bind libtss2-esys to node's functions; RTLD_DEEPBIND makes the addon and
// everything it brings prefer their own dependencies.
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** What an operation answers; `results` are in the order of its row in native/src/core/tpm. */
export interface NativeReply {
  readonly reason: 'done' | 'argument' | 'lost' | 'deadline' | 'code';
  readonly code: number;
  readonly text: string;
  readonly mayHaveChanged: boolean;
  readonly results: readonly (number | Uint8Array)[];
}

export interface NativeDevice {
  run(
    operation: string,
    inputs: readonly (number | Uint8Array)[],
    sessions: readonly number[],
    timeoutMs: number,
  ): Promise<NativeReply>;
  close(): void;
}

interface Addon {
  readonly Device: new () => NativeDevice;
  preloadModule(path: string): void;
  dieWithParent(parentPid: number): boolean;
}

const addonFile = fileURLToPath(new URL('../../build/tpm2tss.node', import.meta.url));

function load(): Addon {
  if (!existsSync(addonFile)) {
    throw new Error(
      `cannot load the TPM addon: "${addonFile}" does not exist; ` +
        'build it with "npm test" or "npm start", which do all the set-up',
    );
  }
  const loaded: { exports: unknown } = { exports: {} };
  process.dlopen(loaded, addonFile, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_DEEPBIND);
  return loaded.exports as Addon;
}

const addon = load();

export function makeNativeDevice(): NativeDevice {
  return new addon.Device();
}

/**
 * Maps a shared library, such as a PKCS#11 module, so that it uses its own dependencies and not
 * the node executable's OpenSSL. Call it before anybody else opens the file: the loader keeps the
 * first mapping. Throws the loader's words where it cannot be loaded.
 */
export function preloadModule(path: string): void {
  if (!path.startsWith('/')) throw new TypeError(`module path must be absolute: got '${path}'`);
  addon.preloadModule(path);
}

/**
 * Asks the kernel to kill this process when its parent ends, however that ends. False when the
 * parent, `parentPid`, is gone already: then the caller exits at once.
 */
export function dieWithParent(parentPid: number): boolean {
  return addon.dieWithParent(parentPid);
}
