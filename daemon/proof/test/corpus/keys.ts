/**
 * Keys and random-looking bytes of the corpus, all derived from labels: the corpus is reproducible.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';

import { encodeUtf8 } from '../../src/bytes.ts';
import type { Sign1Content } from '../../src/cose.ts';
import { encodeSign1, keyThumbprint, sign1Message } from '../../src/cose.ts';
import type { PublicKey } from '../../src/public-key.ts';
import { sha256 } from '../../src/sha256.ts';

/** A key that signs; P1363 for P-256. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Uint8Array;
}

/** 32 bytes that only `label` determines. */
export function seed(label: string): Uint8Array {
  return sha256(encodeUtf8(`kudurru corpus ${label}`));
}

export function ed25519Signer(label: string): Signer {
  const secret = seed(label);
  return {
    publicKey: { algorithm: 'Ed25519', bytes: new Uint8Array(ed25519.getPublicKey(secret)) },
    sign: (message) => new Uint8Array(ed25519.sign(message, secret)),
  };
}

export function p256Signer(label: string): Signer {
  const secret = seed(label);
  return {
    publicKey: { algorithm: 'ESP256', bytes: new Uint8Array(p256.getPublicKey(secret, false)) },
    sign: (message) => new Uint8Array(p256.sign(message, secret, { lowS: false })),
  };
}

/** A COSE_Sign1 by `signer`, which also is the key that it names. */
export function coseSign(signer: Signer, type: string, payload: Uint8Array): Uint8Array {
  const content: Sign1Content = {
    algorithm: signer.publicKey.algorithm,
    keyId: keyThumbprint(signer.publicKey),
    type,
    payload,
  };
  return encodeSign1({ ...content, signature: signer.sign(sign1Message(content)) });
}
