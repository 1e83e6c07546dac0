/** Keys of operators, as they make them themselves: with OpenSSH's own program. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export type OperatorKeyType = 'ed25519' | 'ecdsa';

/** `FOLDER/NAME` and `FOLDER/NAME.pub`, without a passphrase; the path of the private one. */
export function makeOperatorKey(
  folder: string,
  name: string,
  type: OperatorKeyType = 'ed25519',
): string {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', `${name}@example.org`, '-f', file]);
  return file;
}
