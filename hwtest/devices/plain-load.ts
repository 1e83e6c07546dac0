/**
 * Loads the TPM addon and a PKCS#11 module the plain way, without the cure of the device helper:
 * the control of openssl-bindings.test.ts. Run with the module's path as its argument.
 */
import { fileURLToPath } from 'node:url';

import pkcs11js from 'pkcs11js';

const addon = fileURLToPath(new URL('../../native/build/tpm2tss.node', import.meta.url));
process.dlopen({ exports: {} }, addon);
new pkcs11js.PKCS11().load(process.argv[2] ?? '');
