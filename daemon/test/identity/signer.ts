/** An Ed25519 key that signs as agents do, for tests. */
import { generateKeyPairSync, sign } from 'node:crypto';

import { encodeSign1, keyThumbprint, sign1Message, type PublicKey } from '@kudurru/proof';

export interface Signer {
  readonly publicKey: PublicKey;
  /** COSE_Sign1 of `payload` with this `typ`, naming `named` as the key. */
  sign(type: string, payload: Uint8Array, named?: PublicKey): Uint8Array;
}

export function makeSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const own: PublicKey = {
    algorithm: 'Ed25519',
    bytes: new Uint8Array(Buffer.from(x, 'base64url')),
  };
  return {
    publicKey: own,
    sign(type, payload, named = own) {
      const content = { algorithm: 'Ed25519', keyId: keyThumbprint(named), type, payload } as const;
      const signature = new Uint8Array(sign(null, sign1Message(content), privateKey));
      return encodeSign1({ ...content, signature });
    },
  };
}
