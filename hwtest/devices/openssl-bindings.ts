/**
 * Whose OpenSSL a library got. The node executable exports an OpenSSL of its own, of another
 * version than the system's: a system library that is loaded the plain way is bound to node's
 * functions while its structures are the system's. The dynamic linker says what it did (ld.so(8),
 * LD_DEBUG).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What the linker is asked for, and where it writes: one file a process, `<prefix>.<pid>`. */
export function linkerTrace(folder: string): Readonly<Record<string, string>> {
  return { LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: join(folder, 'bindings') };
}

export interface OpensslBindings {
  /** Symbols by library that were bound to the node executable. */
  readonly toNode: Readonly<Record<string, number>>;
  /** Symbols by library that were bound to the system's libcrypto. */
  readonly toSystem: Readonly<Record<string, number>>;
}

const users = ['libtss2-esys.so.0', 'libsofthsm2.so', 'libcrypto.so.3'];

/** "binding file A [0] to B [0]: normal symbol `EVP_sha256' [OPENSSL_3.0.0]" */
const line = /binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `(\w+)' \[OPENSSL_/;

/** The OpenSSL symbols of the libraries that use it, as a process with `linkerTrace` bound them. */
export function readOpensslBindings(folder: string): OpensslBindings {
  const toNode: Record<string, number> = Object.fromEntries(users.map((name) => [name, 0]));
  const toSystem = { ...toNode };
  for (const file of readdirSync(folder)) {
    if (!file.startsWith('bindings.')) continue;
    for (const text of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const [, from = '', to = ''] = line.exec(text) ?? [];
      const user = basename(from);
      if (!users.includes(user)) continue;
      const counts = basename(to) === 'libcrypto.so.3' ? toSystem : toNode;
      counts[user] = (counts[user] ?? 0) + 1;
    }
  }
  return { toNode, toSystem };
}
