/** Credentials opened again as a TPM opens them, with the private key and none of our own code. */
import assert from 'node:assert/strict';
import {
  constants,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  privateDecrypt,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, it } from 'mocha';

import { concatBytes, decodeHex, encodeUtf8 } from '../src/bytes.ts';
import { sha256 } from '../src/sha256.ts';
import type { CredentialRequest, TpmCredential } from '../src/tpm-credential.ts';
import { CREDENTIAL_RANDOMNESS_SIZE_BYTES, makeCredential } from '../src/tpm-credential.ts';
import { parseStoragePublic } from '../src/tpm-public.ts';
import { seed } from './corpus/keys.ts';
import { readTestdata } from './support/vectors.ts';

interface EndorsementKey {
  readonly title: string;
  readonly ekPublic: Uint8Array;
  readonly hash: 'sha256' | 'sha384';
  readonly aesBits: 128 | 256;
  /** The seed of an encrypted secret. */
  openSeed(encryptedSecret: Uint8Array): Uint8Array;
}

const STORAGE_ATTRIBUTES = 0x0003_00b2;
const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255);
const u32 = (value: number): Uint8Array => concatBytes(u16(value >>> 16), u16(value & 0xffff));
const sized = (bytes: Uint8Array): Uint8Array => concatBytes(u16(bytes.length), bytes);
const none = u16(0x0010);
const aes = (bits: number): Uint8Array => concatBytes(u16(0x0006), u16(bits), u16(0x0043));
const ofJwk = (key: KeyObject, name: 'n' | 'x' | 'y'): Uint8Array =>
  new Uint8Array(Buffer.from(String(key.export({ format: 'jwk' })[name]), 'base64url'));
const head = (type: number, hash: string, attributes = STORAGE_ATTRIBUTES): Uint8Array =>
  concatBytes(
    u16(type),
    u16(hash === 'sha256' ? 0x000b : 0x000c),
    u32(attributes),
    sized(seed('policy')),
  );

function rsaKey(bits: number, hash: 'sha256' | 'sha384', aesBits: 128 | 256): EndorsementKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const modulus = ofJwk(publicKey, 'n');
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash };
  return {
    title: `RSA-${bits}, ${hash}, AES-${aesBits}`,
    ekPublic: concatBytes(head(1, hash), aes(aesBits), none, u16(bits), u32(0), sized(modulus)),
    hash,
    aesBits,
    openSeed: (secret) =>
      privateDecrypt({ key: privateKey, ...oaep, oaepLabel: encodeUtf8('IDENTITY\0') }, secret),
  };
}

function eccKey(
  curve: 'P-256' | 'P-384',
  hash: 'sha256' | 'sha384',
  aesBits: 128 | 256,
): EndorsementKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const [x, y] = [ofJwk(publicKey, 'x'), ofJwk(publicKey, 'y')];
  const id = u16(curve === 'P-256' ? 3 : 4);
  return {
    title: `${curve}, ${hash}, AES-${aesBits}`,
    ekPublic: concatBytes(head(0x23, hash), aes(aesBits), none, id, none, sized(x), sized(y)),
    hash,
    aesBits,
    openSeed(secret) {
      const ephemeral = publicOf(curve, secret);
      const z = diffieHellman({ privateKey, publicKey: ephemeral });
      const parties = [ofJwk(ephemeral, 'x'), x];
      return digest(hash, u32(1), z, encodeUtf8('IDENTITY\0'), ...parties);
    },
  };
}

/** The ephemeral key of a TPMS_ECC_POINT. */
function publicOf(curve: 'P-256' | 'P-384', point: Uint8Array): KeyObject {
  const size = curve === 'P-256' ? 32 : 48;
  assert.equal(point.length, 2 * (2 + size));
  const text = (at: number): string =>
    Buffer.from(point.subarray(at, at + size)).toString('base64url');
  return createPublicKey({
    key: { kty: 'EC', crv: curve, x: text(2), y: text(4 + size) },
    format: 'jwk',
  });
}

function digest(hash: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash(hash)
      .update(concatBytes(...parts))
      .digest(),
  );
}

/** What TPM2_ActivateCredential gives the holder of `ek` and of a key with `akName`. */
function activate(ek: EndorsementKey, credential: TpmCredential, akName: Uint8Array): Uint8Array {
  const { hash, aesBits } = ek;
  const seedBytes = ek.openSeed(credential.encryptedSecret.subarray(2));
  const mac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
    new Uint8Array(
      createHmac(hash, key)
        .update(concatBytes(...parts))
        .digest(),
    );
  const macBits = hash === 'sha256' ? 256 : 384;
  const blob = credential.credentialBlob.subarray(2);
  const [outer, encrypted] = [blob.subarray(2, 2 + macBits / 8), blob.subarray(2 + macBits / 8)];
  const macKey = mac(seedBytes, u32(1), encodeUtf8('INTEGRITY\0'), u32(macBits));
  assert.deepEqual(mac(macKey, encrypted, akName), outer, 'integrity');
  const material = mac(seedBytes, u32(1), encodeUtf8('STORAGE\0'), akName, u32(aesBits));
  const key = material.subarray(0, aesBits / 8);
  const cipher = createDecipheriv(`aes-${aesBits}-cfb`, key, new Uint8Array(16));
  const opened = new Uint8Array(Buffer.concat([cipher.update(encrypted), cipher.final()]));
  assert.deepEqual(opened.subarray(0, 2), u16(opened.length - 2));
  return opened.subarray(2);
}

const keys = [
  rsaKey(2048, 'sha256', 128),
  rsaKey(3072, 'sha384', 256),
  eccKey('P-256', 'sha256', 128),
  eccKey('P-384', 'sha384', 256),
  eccKey('P-384', 'sha256', 128),
];
const akName = concatBytes(u16(0x000b), seed('ak'));
const randomness = (label: string): Uint8Array =>
  concatBytes(seed(`${label} 1`), seed(`${label} 2`), seed(`${label} 3`));
const [ek] = keys as [EndorsementKey];
const request: CredentialRequest = {
  ekPublic: ek.ekPublic,
  akName,
  secret: seed('secret'),
  randomness: randomness('a'),
};

describe('tpm-credential', () => {
  for (const key of keys) {
    it(`${key.title}: who holds EK and name has the secret`, async () => {
      for (const length of [1, 14, 15, 30, 32]) {
        const secret = seed('secret').subarray(0, length);
        const made = await makeCredential({ ...request, ekPublic: key.ekPublic, secret });
        assert.deepEqual(activate(key, made, akName), secret);
        const other = concatBytes(u16(0x000b), seed('another ak'));
        assert.throws(() => activate(key, made, other), /integrity/);
      }
    });
  }

  it('is another one for other randomness, and the same for the same', async () => {
    const [one, same, other] = await Promise.all([
      makeCredential(request),
      makeCredential(request),
      makeCredential({ ...request, randomness: randomness('b') }),
    ]);
    assert.deepEqual(one, same);
    assert.notDeepEqual(one.encryptedSecret, other.encryptedSecret);
    assert.notDeepEqual(one.credentialBlob, other.credentialBlob);
  });

  it('can be made for the EK of a real software TPM', async () => {
    const { ek: real } = readTestdata<{ ek: { public: string } }>('tpm/swtpm.json');
    const made = await makeCredential({ ...request, ekPublic: decodeHex(real.public) });
    assert.deepEqual([made.encryptedSecret.length, made.credentialBlob.length], [258, 2 + 34 + 34]);
  });

  it('refuses lengths that no TPM would take', async () => {
    const wrong: readonly Partial<CredentialRequest>[] = [
      { secret: new Uint8Array(0) },
      { secret: new Uint8Array(33) },
      { akName: akName.subarray(1) },
      { randomness: new Uint8Array(CREDENTIAL_RANDOMNESS_SIZE_BYTES - 1) },
    ];
    for (const change of wrong) {
      await assert.rejects(makeCredential({ ...request, ...change }), { code: 'limit-exceeded' });
    }
  });

  it('refuses keys that are no storage keys, too short, or off their curve', async () => {
    const ecc = (attributes: number, point: Uint8Array, bits = 128): Uint8Array =>
      concatBytes(
        head(0x23, 'sha256', attributes),
        ...[bits === 0 ? none : aes(bits), none, u16(3), none, sized(point), sized(point)],
      );
    const [zero, x] = [new Uint8Array(32), sha256(u16(1))];
    const rsa = (bits: number, exponent: number): Uint8Array => {
      const body = [aes(128), none, u16(bits), u32(exponent)];
      return concatBytes(head(1, 'sha256'), ...body, sized(new Uint8Array(bits / 8).fill(0xff)));
    };
    const wrong: readonly (readonly [Uint8Array, string])[] = [
      [ecc(STORAGE_ATTRIBUTES, zero), 'key-malformed'],
      [ecc(STORAGE_ATTRIBUTES, x), 'key-malformed'],
      [ecc(0x0005_00b2, x), 'tpm-malformed'],
      [ecc(0x0007_00b2, x), 'tpm-malformed'],
      [ecc(STORAGE_ATTRIBUTES, x, 0), 'tpm-malformed'],
      [ecc(STORAGE_ATTRIBUTES, x, 64), 'tpm-malformed'],
      [rsa(1024, 0), 'key-malformed'],
      [rsa(2048, 3), 'key-malformed'],
    ];
    for (const [ekPublic, code] of wrong) {
      await assert.rejects(makeCredential({ ...request, ekPublic }), { code });
    }
    assert.equal(parseStoragePublic(rsa(2048, 0)).key.type, 'rsa');
  });
});
