// Loads the addon once per environment. Each facade file asks for its own slice of the exports and
// nobody outside native/lib sees them raw: the C++ side trusts what the facade has checked.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { NativeError } from './native-error.ts';

const addonFile = fileURLToPath(new URL('../build/kudurru.node', import.meta.url));

interface AddonEntry {
  setErrorConstructor(constructor: typeof NativeError): void;
}

function load(): AddonEntry {
  if (!existsSync(addonFile)) {
    throw new NativeError(
      `cannot load the native addon: "${addonFile}" does not exist; ` +
        'build it with "npm test" or "npm start", which do all the set-up',
      { domain: 'addon', code: 'addon-missing', operation: 'load' },
    );
  }
  const addon = createRequire(import.meta.url)(addonFile) as AddonEntry;
  addon.setErrorConstructor(NativeError);
  return addon;
}

const addon = load();

/** The addon's exports seen as one part's interface. The caller's type is trusted. */
export function nativePart<Part>(): Part {
  return addon as Part;
}
