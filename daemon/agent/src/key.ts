/**
 * The agent's signing key: Ed25519 or ECDSA on P-256, held by the runtime's own cryptography. The
 * private half never leaves the KeyObject except through `exportPem`.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';

import { encodeCoseKey, keyThumbprint, type KeyAlgorithm, type PublicKey } from '@kudurru/proof';

import { AgentError } from './agent-error.ts';

export interface SigningKey {
  readonly publicKey: PublicKey;
  /** COSE_Key of the public half. */
  readonly coseKey: Uint8Array;
  /** Its thumbprint, 32 bytes (RFC 9679). */
  readonly keyId: Uint8Array;
  /** Signature of `message`, 64 bytes in the form that COSE wants. */
  sign(message: Uint8Array): Uint8Array;
  /** PKCS#8 PEM of the private half. Whoever reads it can sign as this agent. */
  exportPem(): string;
}

/** The private key in `pem` (PKCS#8). @throws AgentError `key-invalid` */
export function loadKey(pem: string | Uint8Array): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey({
      key: typeof pem === 'string' ? pem : Buffer.from(pem),
      format: 'pem',
    });
  } catch (cause) {
    throw AgentError.own('key-invalid', 'key not loaded: it is not a PKCS#8 PEM file', cause);
  }
  return signingKeyOf(key);
}

/** A fresh key. Ed25519 unless the caller needs P-256, say for a smart card's sake. */
export function generateKey(algorithm: KeyAlgorithm = 'Ed25519'): SigningKey {
  const { privateKey } =
    algorithm === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return signingKeyOf(privateKey);
}

function signingKeyOf(key: KeyObject): SigningKey {
  const publicKey = publicKeyOf(key);
  const digest = publicKey.algorithm === 'Ed25519' ? null : 'sha256';
  return {
    publicKey,
    coseKey: encodeCoseKey(publicKey),
    keyId: keyThumbprint(publicKey),
    sign: (message) => new Uint8Array(sign(digest, message, { key, dsaEncoding: 'ieee-p1363' })),
    exportPem: () => String(key.export({ type: 'pkcs8', format: 'pem' })),
  };
}

function publicKeyOf(key: KeyObject): PublicKey {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  if (kty === 'OKP' && crv === 'Ed25519' && x !== undefined) {
    return { algorithm: 'Ed25519', bytes: coordinate(x) };
  }
  if (kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined) {
    const point = Buffer.concat([Buffer.of(4), coordinate(x), coordinate(y)]);
    return { algorithm: 'ESP256', bytes: new Uint8Array(point) };
  }
  const found = crv ?? kty ?? key.asymmetricKeyType ?? 'unknown';
  throw AgentError.own('key-invalid', `key not accepted: "${found}" is neither Ed25519 nor P-256`);
}

function coordinate(base64url: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}
