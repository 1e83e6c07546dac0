/**
 * A PKCS#11 module in front of a software token whose calls can be stopped for good, before the
 * token has done them or after: gated-token.c, built for one folder of gates.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type GatedCall =
  'C_InitToken' | 'C_InitPIN' | 'C_SignInit' | 'C_Sign' | 'C_GenerateKey' | 'C_GenerateKeyPair';

export interface GatedToken {
  /** Path of the module. */
  readonly module: string;
  /** The next such call never returns. */
  stop(call: GatedCall, when: 'before' | 'after'): void;
  /** Resolves when a stopped call has been made; null where `isOver` came first. */
  reached(isOver: () => boolean): Promise<'reached' | null>;
  /** Takes away what was not reached, and what was. */
  clear(): void;
}

const pollMs = 20;

export function buildGatedToken(folder: string, realModule: string): GatedToken {
  const gates = join(folder, 'gates');
  mkdirSync(gates);
  const source = fileURLToPath(new URL('gated-token.c', import.meta.url));
  const module = join(folder, 'gated-token.so');
  const macros = [`-DGATES="${gates}"`, `-DREAL_MODULE="${realModule}"`];
  const flags = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra'];
  execFileSync('cc', [...flags, ...macros, '-o', module, source, '-ldl']);
  const signal = join(gates, 'reached');
  return {
    module,
    stop: (call, when) => writeFileSync(join(gates, `${call}.${when}`), ''),
    async reached(isOver) {
      while (!existsSync(signal)) {
        if (isOver()) return null;
        await sleep(pollMs);
      }
      return 'reached';
    },
    clear() {
      rmSync(gates, { recursive: true });
      mkdirSync(gates);
    },
  };
}
