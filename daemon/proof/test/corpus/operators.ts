/** Operators that sign as ssh-keygen and FIDO2 authenticators do, with keys in the open. */
import { encodeUtf8 } from '../../src/bytes.ts';
import type { SshPublicKey } from '../../src/ssh-key.ts';
import { formatSshPublicKeyLine } from '../../src/ssh-key.ts';
import type { SecurityKeyFlags, Sshsig } from '../../src/sshsig.ts';
import { sshsigCheck } from '../../src/sshsig.ts';
import type { Signer } from './keys.ts';
import { ed25519Signer, p256Signer } from './keys.ts';

export interface OperatorKey {
  readonly publicKey: SshPublicKey;
  /** What the provisioning record holds. */
  readonly line: string;
  sign(message: Uint8Array, choices?: SignChoices): Sshsig;
}

export interface SignChoices {
  readonly namespace?: string;
  readonly hash?: Sshsig['hash'];
  readonly flags?: number;
  readonly counter?: number;
}

export function operatorKey(label: string, type: SshPublicKey['type']): OperatorKey {
  const isEd25519 = type.includes('ed25519');
  const signer: Signer = isEd25519 ? ed25519Signer(label) : p256Signer(label);
  const application = type.startsWith('sk-') ? 'ssh:' : null;
  const publicKey = { type, key: signer.publicKey, application };
  return {
    publicKey,
    line: formatSshPublicKeyLine(publicKey),
    sign(message, { namespace = 'kudurru', hash = 'sha512', flags = 5, counter = 7 } = {}) {
      const securityKey = application === null ? null : flagsOf(flags, counter);
      const unsigned = { publicKey, namespace, hash, signature: encodeUtf8(''), securityKey };
      const { message: signed } = sshsigCheck(unsigned, message);
      return { ...unsigned, signature: signer.sign(signed) };
    },
  };
}

function flagsOf(bits: number, counter: number): SecurityKeyFlags {
  return { bits, isPresent: (bits & 1) === 1, isVerified: (bits & 4) === 4, counter };
}
