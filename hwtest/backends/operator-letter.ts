/** Opens what was handed over to an operator, as `age -d -i KEY` does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { openAge, sshIdentity } from '../../daemon/test/provision/age-opener.ts';

/** `keyFile` is one that `ssh-keygen -t ed25519` made without a passphrase. */
export function openLetter(file: string, keyFile: string): string {
  const identity = sshIdentity(readFileSync(keyFile, 'utf8'));
  return openAge(readFileSync(file, 'utf8'), identity).toString('utf8');
}

/** Of `STATE/handover`. */
export function handedOver(state: string, name: string): string {
  return join(state, 'handover', `${name}.age`);
}
