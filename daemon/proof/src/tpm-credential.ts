/**
 * TPM2_MakeCredential without a TPM (TPM 2.0 Library Part 1 §24, annexes B.10 and C.6): a secret
 * that only the TPM with this EK can open, and only where it holds a key with this Name. Who sent a
 * fresh secret and is told it again knows that key and EK are in one TPM.
 */
import { p256, p384 } from '@noble/curves/nist.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha384 as nobleSha384 } from '@noble/hashes/sha2.js';

import { concatBytes, encodeUtf8 } from './bytes.ts';
import { ProofError } from './proof-error.ts';
import type { HashName } from './rsa.ts';
import { bytesOf, encryptOaep, hashBytes, hashSizeBytes } from './rsa.ts';
import type { StoragePublic } from './tpm-public.ts';
import { parseStoragePublic } from './tpm-public.ts';

/** Fresh random bytes that one credential takes. */
export const CREDENTIAL_RANDOMNESS_SIZE_BYTES = 96;
/** A credential is at most a digest of the EK's nameAlg. */
export const CREDENTIAL_SECRET_SIZE_BYTES_MAX = 32;

const AES_BLOCK_SIZE_BYTES = 16;
/** nameAlg and a digest of SHA-256 or SHA-384. */
const NAME_SIZES_BYTES: readonly number[] = [34, 50];
const IDENTITY = encodeUtf8('IDENTITY\0');
const STORAGE = encodeUtf8('STORAGE\0');
const INTEGRITY = encodeUtf8('INTEGRITY\0');
const NOTHING = new Uint8Array(0);

export interface CredentialRequest {
  /** TPMT_PUBLIC of the endorsement key: RSA, P-256 or P-384, restricted, decrypting. */
  readonly ekPublic: Uint8Array;
  /** Name of the key that must be in the same TPM. */
  readonly akName: Uint8Array;
  /** 1 to 32 bytes. */
  readonly secret: Uint8Array;
  /** 96 fresh random bytes. */
  readonly randomness: Uint8Array;
}

/** The parameters of TPM2_ActivateCredential. */
export interface TpmCredential {
  /** TPM2B_ID_OBJECT. */
  readonly credentialBlob: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array;
}

/** @throws ProofError `tpm-malformed`, `key-malformed` of the EK; `limit-exceeded` of a length */
export async function makeCredential(request: CredentialRequest): Promise<TpmCredential> {
  const { ekPublic, akName, secret, randomness } = request;
  const ek = parseStoragePublic(ekPublic);
  requireLengths(request);
  const { seed, encryptedSecret } = sharedSeed(ek, randomness);
  const hash = ek.nameHash;
  const key = deriveA({ hash, key: seed, label: STORAGE, context: akName, bits: ek.aesBits });
  const encrypted = await encryptCfb(key, sized(secret));
  const macBits = 8 * hashSizeBytes(hash);
  const macKey = deriveA({ hash, key: seed, label: INTEGRITY, context: NOTHING, bits: macBits });
  const mac = hmacOf(hash, macKey, concatBytes(encrypted, akName));
  return {
    credentialBlob: sized(concatBytes(sized(mac), encrypted)),
    encryptedSecret: sized(encryptedSecret),
  };
}

interface SharedSeed {
  readonly seed: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** A seed that the holder of the EK can find from `encryptedSecret` (B.10.3, C.6.3). */
function sharedSeed({ key, nameHash }: StoragePublic, randomness: Uint8Array): SharedSeed {
  const size = hashSizeBytes(nameHash);
  if (key.type === 'rsa') {
    const [seed, oaepSeed] = [randomness.subarray(0, size), randomness.subarray(size, 2 * size)];
    const input = { hash: nameHash, label: IDENTITY, message: seed, seed: oaepSeed };
    return { seed, encryptedSecret: encryptOaep(key.rsa, input) };
  }
  const curve = key.curve === 'P-256' ? p256 : p384;
  const coordinateSize = (key.point.length - 1) / 2;
  const ephemeral = curve.utils.randomSecretKey(randomness.subarray(0, coordinateSize * 1.5));
  const [x, y] = coordinates(curve.getPublicKey(ephemeral, false));
  const [z] = coordinates(curve.getSharedSecret(ephemeral, key.point, false));
  const [ekX] = coordinates(key.point);
  // KDFe (Part 1 §11.4.10.3) in its one round: every digest here is as long as the seed.
  const seed = hashBytes(nameHash, bytesOf(1n, 4), z, IDENTITY, x, ekX);
  return { seed, encryptedSecret: concatBytes(sized(x), sized(y)) };
}

interface DeriveInput {
  readonly hash: HashName;
  readonly key: Uint8Array;
  /** With its final NUL. */
  readonly label: Uint8Array;
  readonly context: Uint8Array;
  readonly bits: number;
}

/** KDFa (Part 1 §11.4.10.2) in its one round: no key here is longer than a digest. */
function deriveA({ hash, key, label, context, bits }: DeriveInput): Uint8Array {
  const input = concatBytes(bytesOf(1n, 4), label, context, bytesOf(BigInt(bits), 4));
  return hmacOf(hash, key, input).subarray(0, bits / 8);
}

function hmacOf(hash: HashName, key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(hash === 'SHA-256' ? nobleSha256 : nobleSha384, key, message);
}

// The part of WebCrypto that browsers and Node share; no types of either platform are here.
interface CryptoPlatform {
  readonly crypto: {
    readonly subtle: {
      importKey(
        ...key: readonly ['raw', Uint8Array, 'AES-CBC', boolean, readonly string[]]
      ): Promise<unknown>;
      encrypt(
        how: { readonly name: 'AES-CBC'; readonly iv: Uint8Array },
        key: unknown,
        data: Uint8Array,
      ): Promise<ArrayBuffer>;
    };
  };
}

/** AES-CFB with a zero IV: each block of its key stream is a block that CBC encrypts alone. */
async function encryptCfb(keyBytes: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const { subtle } = (globalThis as unknown as CryptoPlatform).crypto;
  const key = await subtle.importKey('raw', keyBytes, 'AES-CBC', false, ['encrypt']);
  const zero = new Uint8Array(AES_BLOCK_SIZE_BYTES);
  const encrypted = data.slice();
  let feedback: Uint8Array = zero;
  for (let at = 0; at < data.length; at += AES_BLOCK_SIZE_BYTES) {
    const stream = new Uint8Array(
      await subtle.encrypt({ name: 'AES-CBC', iv: zero }, key, feedback),
    );
    const block = encrypted.subarray(at, at + AES_BLOCK_SIZE_BYTES);
    block.forEach((byte, i) => (block[i] = byte ^ (stream[i] ?? 0)));
    feedback = block;
  }
  return encrypted;
}

/** x and y of 0x04 ‖ x ‖ y. */
function coordinates(point: Uint8Array): [Uint8Array, Uint8Array] {
  const size = (point.length - 1) / 2;
  return [point.subarray(1, 1 + size), point.subarray(1 + size)];
}

function requireLengths({ akName, secret, randomness }: CredentialRequest): void {
  const isRight =
    NAME_SIZES_BYTES.includes(akName.length) &&
    secret.length >= 1 &&
    secret.length <= CREDENTIAL_SECRET_SIZE_BYTES_MAX &&
    randomness.length === CREDENTIAL_RANDOMNESS_SIZE_BYTES;
  if (isRight) return;
  throw new ProofError(
    'limit-exceeded',
    'credential: name, secret or randomness is too short or long',
  );
}

/** A TPM2B. */
function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(bytesOf(BigInt(bytes.length), 2), bytes);
}
