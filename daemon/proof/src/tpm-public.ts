/**
 * The public areas of TPM objects and NV indexes (TPM 2.0 Library Part 2 §12.2.4 and §13), their
 * Names (Part 1 §16), and TPMS_CREATION_DATA (Part 2 §15.1).
 */
import { sha384 } from '@noble/hashes/sha2.js';

import { concatBytes, decodeHex } from './bytes.ts';
import { isP256Point } from './es256.ts';
import { isPointOf } from './ecdsa.ts';
import { ProofError } from './proof-error.ts';
import type { HashName, RsaPublicKey } from './rsa.ts';
import { rsaPublicKey } from './rsa.ts';
import { sha256 } from './sha256.ts';
import type { PcrSelection } from './tpm-attest.ts';
import { leftPad, readDigest, readName, readPcrSelections } from './tpm-attest.ts';
import { TpmReader } from './tpm-reader.ts';

export const TPM_ALG = {
  rsa: 0x0001,
  aes: 0x0006,
  sha256: 0x000b,
  sha384: 0x000c,
  null: 0x0010,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;
const CURVE = { p256: 0x0003, p384: 0x0004 } as const;
const HANDLE_ENDORSEMENT = decodeHex('4000000b');
/** What the exponent 0 of a TPMT_PUBLIC stands for. */
const RSA_EXPONENT_DEFAULT = 65_537n;
const AES_BITS: readonly number[] = [128, 192, 256];
const RSA_MODULUS_SIZE_BYTES_MAX = 512;
const ECC_COORDINATE_SIZE_BYTES_MAX = 48;
const OUTSIDE_INFO_SIZE_BYTES_MAX = 66;

/** TPMA_OBJECT bits (Part 2 §8.3). */
export const TPMA_OBJECT = {
  fixedTpm: 0x0000_0002,
  stClear: 0x0000_0004,
  fixedParent: 0x0000_0010,
  sensitiveDataOrigin: 0x0000_0020,
  userWithAuth: 0x0000_0040,
  adminWithPolicy: 0x0000_0080,
  noDa: 0x0000_0400,
  encryptedDuplication: 0x0000_0800,
  restricted: 0x0001_0000,
  decrypt: 0x0002_0000,
  sign: 0x0004_0000,
} as const;

/** TPMA_NV bits (Part 2 §13.4); the type of the index is in bits 4..7. */
export const TPMA_NV = {
  orderly: 0x0400_0000,
  clearStClear: 0x0800_0000,
  written: 0x2000_0000,
} as const;
export type NvType = 'ordinary' | 'counter' | 'extend' | 'other';

/** The public area of any object, as far as its Name and its use go. */
export interface ObjectPublic {
  readonly type: 'rsa' | 'ecc';
  /** TPM_ALG_ID: SHA-256 or SHA-384. */
  readonly nameAlgorithm: number;
  /** TPMA_OBJECT bits. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  /** nameAlg ‖ H(TPMT_PUBLIC). */
  readonly name: Uint8Array;
}

/** The public area of an ECDSA P-256 signing key. */
export interface SigningPublic extends ObjectPublic {
  /** 0x04 ‖ x ‖ y. */
  readonly point: Uint8Array;
  /** Whether the scheme is fixed to ECDSA with SHA-256; else it is chosen at each signature. */
  readonly isSchemeFixed: boolean;
}

/** The public area of a storage key, such as an EK: what a secret is encrypted to. */
export interface StoragePublic extends ObjectPublic {
  readonly nameHash: HashName;
  /** Bits of the AES key that protects what is under it. */
  readonly aesBits: number;
  readonly key:
    | { readonly type: 'rsa'; readonly rsa: RsaPublicKey }
    | {
        readonly type: 'ecc';
        readonly curve: 'P-256' | 'P-384';
        /** 0x04 ‖ x ‖ y. */
        readonly point: Uint8Array;
      };
}

/** TPMS_NV_PUBLIC. */
export interface NvPublic {
  readonly handle: number;
  /** TPMA_NV bits. */
  readonly attributes: number;
  readonly nvType: NvType;
  readonly authPolicy: Uint8Array;
  readonly dataSizeBytes: number;
  /** 000b ‖ SHA-256(TPMS_NV_PUBLIC). */
  readonly name: Uint8Array;
}

/** TPMS_CREATION_DATA. */
export interface CreationData {
  readonly pcrSelections: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
  readonly locality: number;
  readonly parentNameAlgorithm: number;
  readonly parentName: Uint8Array;
  readonly parentQualifiedName: Uint8Array;
  readonly outsideInfo: Uint8Array;
}

/** Whether `attributes` has every one of `wanted` (names of TPMA_OBJECT). */
export function hasAttributes(
  attributes: number,
  wanted: readonly (keyof typeof TPMA_OBJECT)[],
): boolean {
  return wanted.every((name) => (attributes & TPMA_OBJECT[name]) !== 0);
}

/** TPMT_PUBLIC of an RSA or ECC key, for instance an EK. @throws ProofError `tpm-malformed` */
export function parseObjectPublic(bytes: Uint8Array): ObjectPublic {
  return readObject(bytes).object;
}

/** TPMT_PUBLIC of an ECDSA P-256 signing key. @throws ProofError `tpm-malformed` */
export function parseSigningPublic(bytes: Uint8Array): SigningPublic {
  const { object, aesBits, ecc } = readObject(bytes);
  const reader = new TpmReader('TPMT_PUBLIC', bytes);
  if (ecc === undefined || ecc.curve !== CURVE.p256) throw reader.malformed('not a P-256 key');
  if (aesBits > 0) throw reader.malformed('a signing key has no symmetric algorithm');
  if (ecc.x.length > 32 || ecc.y.length > 32) throw reader.malformed('a coordinate is too long');
  const point = concatBytes(Uint8Array.of(4), leftPad(ecc.x), leftPad(ecc.y));
  if (!isP256Point(point)) throw reader.malformed('the point is not on P-256');
  return { ...object, point, isSchemeFixed: ecc.isSchemeFixed };
}

/**
 * TPMT_PUBLIC of a restricted decryption key: RSA, or ECC on P-256 or P-384.
 * @throws ProofError `tpm-malformed`, `key-malformed`
 */
export function parseStoragePublic(bytes: Uint8Array): StoragePublic {
  const { object, aesBits, ecc, rsa } = readObject(bytes);
  const reader = new TpmReader('TPMT_PUBLIC', bytes);
  const isStorage = hasAttributes(object.attributes, ['restricted', 'decrypt']) && aesBits > 0;
  const isSigning = hasAttributes(object.attributes, ['sign']);
  if (!isStorage || isSigning) throw reader.malformed('not a storage key');
  const nameHash = object.nameAlgorithm === TPM_ALG.sha384 ? 'SHA-384' : 'SHA-256';
  const common = { ...object, nameHash, aesBits } as const;
  if (rsa !== undefined) {
    const exponent = rsa.exponent === 0 ? RSA_EXPONENT_DEFAULT : BigInt(rsa.exponent);
    return { ...common, key: { type: 'rsa', rsa: rsaPublicKey(rsa.modulus, exponent) } };
  }
  if (ecc === undefined) throw reader.malformed('neither an RSA nor an ECC key');
  return { ...common, key: { type: 'ecc', ...eccPoint(ecc) } };
}

/** The point of an ECC key, its coordinates as long as the field. */
function eccPoint({ curve, x, y }: EccPart): { curve: 'P-256' | 'P-384'; point: Uint8Array } {
  const name = curve === CURVE.p384 ? 'P-384' : 'P-256';
  const size = name === 'P-384' ? 48 : 32;
  const isLong = x.length > size || y.length > size;
  const point = isLong ? x : concatBytes(Uint8Array.of(4), leftPad(x, size), leftPad(y, size));
  if (!isPointOf(name, point)) {
    throw new ProofError('key-malformed', `TPMT_PUBLIC: not a point of ${name}`);
  }
  return { curve: name, point };
}

/** @throws ProofError `tpm-malformed` */
export function parseNvPublic(bytes: Uint8Array): NvPublic {
  const reader = new TpmReader('TPMS_NV_PUBLIC', bytes);
  const handle = reader.u32();
  if (reader.u16() !== TPM_ALG.sha256) throw reader.malformed('nameAlg is not SHA-256');
  const attributes = reader.u32();
  const authPolicy = readDigest(reader);
  const dataSizeBytes = reader.u16();
  reader.end();
  const nvType = NV_TYPES.get((attributes >>> 4) & 15) ?? 'other';
  return {
    handle,
    attributes,
    nvType,
    authPolicy,
    dataSizeBytes,
    name: nameOf(TPM_ALG.sha256, bytes),
  };
}

const NV_TYPES: ReadonlyMap<number, NvType> = new Map([
  [0, 'ordinary'],
  [1, 'counter'],
  [4, 'extend'],
]);

/** @throws ProofError `tpm-malformed` */
export function parseCreationData(bytes: Uint8Array): CreationData {
  const reader = new TpmReader('TPMS_CREATION_DATA', bytes);
  const data = {
    pcrSelections: readPcrSelections(reader),
    pcrDigest: readDigest(reader),
    locality: reader.u8(),
    parentNameAlgorithm: reader.u16(),
    parentName: readName(reader),
    parentQualifiedName: readName(reader),
    outsideInfo: reader.sized(OUTSIDE_INFO_SIZE_BYTES_MAX),
  };
  reader.end();
  return data;
}

/**
 * Qualified Name of a key directly under the EK, which is a primary of the endorsement hierarchy:
 * nameAlg ‖ H(Q(EK) ‖ Name(key)) with Q(EK) = nameAlg ‖ H(4000000b ‖ Name(EK)) (Part 1 §16.3).
 */
export function qualifiedNameUnderEk(ek: ObjectPublic, key: ObjectPublic): Uint8Array {
  const qualifiedEk = nameOf(ek.nameAlgorithm, concatBytes(HANDLE_ENDORSEMENT, ek.name));
  return nameOf(key.nameAlgorithm, concatBytes(qualifiedEk, key.name));
}

interface RsaPart {
  /** 0 stands for 65537. */
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

interface EccPart {
  readonly curve: number;
  readonly isSchemeFixed: boolean;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

interface ReadObject {
  readonly object: ObjectPublic;
  /** 0 without a symmetric algorithm. */
  readonly aesBits: number;
  readonly rsa?: RsaPart;
  readonly ecc?: EccPart;
}

function readObject(bytes: Uint8Array): ReadObject {
  const reader = new TpmReader('TPMT_PUBLIC', bytes);
  const type = reader.u16();
  const nameAlgorithm = reader.u16();
  if (nameAlgorithm !== TPM_ALG.sha256 && nameAlgorithm !== TPM_ALG.sha384) {
    throw reader.malformed('nameAlg is neither SHA-256 nor SHA-384');
  }
  const attributes = reader.u32();
  const authPolicy = readDigest(reader);
  const common = { nameAlgorithm, attributes, authPolicy, name: nameOf(nameAlgorithm, bytes) };
  if (type !== TPM_ALG.rsa && type !== TPM_ALG.ecc) {
    throw reader.malformed('neither an RSA nor an ECC key');
  }
  const aesBits = readSymmetric(reader);
  const isSchemeFixed = readScheme(reader);
  const key =
    type === TPM_ALG.rsa ? { rsa: readRsa(reader) } : { ecc: readEcc(reader, isSchemeFixed) };
  reader.end();
  return { object: { type: type === TPM_ALG.rsa ? 'rsa' : 'ecc', ...common }, aesBits, ...key };
}

function readRsa(reader: TpmReader): RsaPart {
  reader.u16(); // keyBits: the modulus says it
  return { exponent: reader.u32(), modulus: reader.sized(RSA_MODULUS_SIZE_BYTES_MAX) };
}

function readEcc(reader: TpmReader, isSchemeFixed: boolean): EccPart {
  const curve = reader.u16();
  if (curve !== CURVE.p256 && curve !== CURVE.p384) throw reader.malformed(`curve ${curve}`);
  if (reader.u16() !== TPM_ALG.null) throw reader.malformed('a key derivation scheme is set');
  const x = reader.sized(ECC_COORDINATE_SIZE_BYTES_MAX);
  const y = reader.sized(ECC_COORDINATE_SIZE_BYTES_MAX);
  return { curve, isSchemeFixed, x, y };
}

/** TPMT_SYM_DEF_OBJECT: none (0), or the key size of AES in CFB mode. */
function readSymmetric(reader: TpmReader): number {
  const algorithm = reader.u16();
  if (algorithm === TPM_ALG.null) return 0;
  if (algorithm !== TPM_ALG.aes) throw reader.malformed(`symmetric algorithm ${algorithm}`);
  const bits = reader.u16();
  if (!AES_BITS.includes(bits)) throw reader.malformed(`AES of ${bits} bits`);
  if (reader.u16() !== TPM_ALG.cfb) throw reader.malformed('a symmetric mode other than CFB');
  return bits;
}

/** TPMT_RSA_SCHEME or TPMT_ECC_SCHEME: none, or ECDSA with SHA-256. */
function readScheme(reader: TpmReader): boolean {
  const scheme = reader.u16();
  if (scheme === TPM_ALG.null) return false;
  if (scheme !== TPM_ALG.ecdsa || reader.u16() !== TPM_ALG.sha256) {
    throw reader.malformed('a scheme other than ECDSA with SHA-256');
  }
  return true;
}

function nameOf(algorithm: number, bytes: Uint8Array): Uint8Array {
  const prefix = Uint8Array.of(algorithm >> 8, algorithm & 255);
  if (algorithm === TPM_ALG.sha256) return concatBytes(prefix, sha256(bytes));
  if (algorithm === TPM_ALG.sha384) return concatBytes(prefix, sha384(bytes));
  throw new ProofError('tpm-malformed', `tpm: no name with hash algorithm ${algorithm}`);
}
