/**
 * X.509 v3 certificates (RFC 5280) as TPM vendors issue them for endorsement keys: read strictly,
 * and no further than a chain to a vendor's root and the TPM's description need. A critical
 * extension that is not known here makes a certificate unusable.
 */
import { readExtensions } from './certificate-extensions.ts';
import type { CertificateExtensions } from './certificate-extensions.ts';
import { DER_TAG, DerReader } from './der.ts';
import type { EcdsaKey } from './ecdsa.ts';
import { isPointOf, verifyEcdsa } from './ecdsa.ts';
import { encodeHex, equalBytes } from './bytes.ts';
import { ProofError } from './proof-error.ts';
import type { HashName, RsaPublicKey } from './rsa.ts';
import { integerOf, rsaPublicKey, verifyRsaPkcs1, verifyRsaPss } from './rsa.ts';

export const CERTIFICATE_SIZE_BYTES_MAX = 8192;

/** Object identifiers by the hexadecimal of their DER content. */
const OID = {
  rsaEncryption: '2a864886f70d010101',
  /** Some vendors name an RSA key that only decrypts by its padding. */
  rsaOaep: '2a864886f70d010107',
  rsaPss: '2a864886f70d01010a',
  mgf1: '2a864886f70d010108',
  ecPublicKey: '2a8648ce3d0201',
} as const;
const CURVES: ReadonlyMap<string, EcdsaKey['curve']> = new Map([
  ['2a8648ce3d030107', 'P-256'],
  ['2b81040022', 'P-384'],
]);
const HASHES: ReadonlyMap<string, HashName> = new Map([
  ['608648016503040201', 'SHA-256'],
  ['608648016503040202', 'SHA-384'],
]);
const SIGNATURES: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['2a864886f70d01010b', { scheme: 'pkcs1', hash: 'SHA-256' }],
  ['2a864886f70d01010c', { scheme: 'pkcs1', hash: 'SHA-384' }],
  ['2a8648ce3d040302', { scheme: 'ecdsa', hash: 'SHA-256' }],
  ['2a8648ce3d040303', { scheme: 'ecdsa', hash: 'SHA-384' }],
]);
const CONTEXT = { version: 0xa0, extensions: 0xa3, hash: 0xa0, mask: 0xa1, salt: 0xa2 } as const;
const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

export interface SignatureAlgorithm {
  readonly scheme: 'pkcs1' | 'pss' | 'ecdsa';
  readonly hash: HashName;
}

export type CertifiedKey =
  { readonly type: 'rsa'; readonly rsa: RsaPublicKey } | ({ readonly type: 'ecc' } & EcdsaKey);

export interface Certificate {
  readonly bytes: Uint8Array;
  /** What the issuer signed. */
  readonly signed: Uint8Array;
  /** DER of the Name. */
  readonly issuer: Uint8Array;
  /** DER of the Name. */
  readonly subject: Uint8Array;
  readonly notBeforeUnixSeconds: number;
  readonly notAfterUnixSeconds: number;
  readonly key: CertifiedKey;
  readonly extensions: CertificateExtensions;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** @throws ProofError `certificate-malformed`, `key-malformed`, `limit-exceeded` */
export function parseCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > CERTIFICATE_SIZE_BYTES_MAX) {
    throw new ProofError('limit-exceeded', `certificate: over ${CERTIFICATE_SIZE_BYTES_MAX} bytes`);
  }
  const outer = new DerReader('certificate', bytes);
  const reader = outer.into(DER_TAG.sequence);
  outer.end();
  const { content, whole } = reader.element(DER_TAG.sequence);
  const algorithmBytes = reader.element(DER_TAG.sequence).whole;
  const signature = reader.bits();
  reader.end();
  const toBeSigned = new DerReader('certificate', content);
  readVersion(toBeSigned);
  toBeSigned.unsigned(); // serial number
  if (!equalBytes(toBeSigned.element(DER_TAG.sequence).whole, algorithmBytes)) {
    throw reader.malformed('two different signature algorithms');
  }
  const issuer = toBeSigned.element(DER_TAG.sequence).whole;
  const validity = toBeSigned.into(DER_TAG.sequence);
  const [notBeforeUnixSeconds, notAfterUnixSeconds] = [readTime(validity), readTime(validity)];
  validity.end();
  const subject = toBeSigned.element(DER_TAG.sequence).whole;
  const key = readKey(toBeSigned.into(DER_TAG.sequence));
  const extensions = readExtensions(toBeSigned.into(CONTEXT.extensions));
  toBeSigned.end();
  const algorithm = readAlgorithm(new DerReader('certificate', algorithmBytes));
  return {
    bytes,
    signed: whole,
    ...{ issuer, subject, notBeforeUnixSeconds, notAfterUnixSeconds, key, extensions },
    algorithm,
    signature,
  };
}

/** Whether `issuer`'s key signed `certificate`. Says nothing of what the issuer may sign. */
export function isSignedBy(
  { signed, algorithm, signature }: Certificate,
  issuer: Certificate,
): boolean {
  const { key } = issuer;
  const { scheme, hash } = algorithm;
  const input = { message: signed, signature };
  if (key.type === 'ecc') return scheme === 'ecdsa' && verifyEcdsa(key, hash, input);
  if (scheme === 'pss') return verifyRsaPss(key.rsa, hash, input);
  return scheme === 'pkcs1' && verifyRsaPkcs1(key.rsa, hash, input);
}

function readVersion(reader: DerReader): void {
  const version = reader.into(CONTEXT.version);
  if (encodeHex(version.unsigned()) !== '02') throw reader.malformed('not of version 3');
  version.end();
}

function readAlgorithm(outer: DerReader): SignatureAlgorithm {
  const reader = outer.into(DER_TAG.sequence);
  const id = reader.objectId();
  const plain = SIGNATURES.get(id);
  if (plain === undefined && id !== OID.rsaPss) {
    throw reader.malformed(`signature algorithm ${id} is not accepted`);
  }
  const algorithm = plain ?? readPss(reader.into(DER_TAG.sequence));
  // RSA has NULL for its parameters (RFC 4055 §5), ECDSA none at all (RFC 5758 §3.2).
  if (algorithm.scheme === 'pkcs1') readNull(reader);
  reader.end();
  return algorithm;
}

/** RSASSA-PSS-params (RFC 4055 §3.1) of MGF1 with the same hash and a salt as long as it. */
function readPss(reader: DerReader): SignatureAlgorithm {
  const hash = readHash(reader.into(CONTEXT.hash));
  const mask = reader.into(CONTEXT.mask).into(DER_TAG.sequence);
  const isMgf1 = mask.objectId() === OID.mgf1;
  const maskHash = readHash(mask);
  const salt = integerOf(reader.into(CONTEXT.salt).unsigned());
  reader.end();
  if (!isMgf1 || maskHash !== hash || salt !== (hash === 'SHA-256' ? 32n : 48n)) {
    throw reader.malformed('RSA-PSS with other parameters than its hash gives');
  }
  return { scheme: 'pss', hash };
}

function readHash(outer: DerReader): HashName {
  const reader = outer.into(DER_TAG.sequence);
  outer.end();
  const id = reader.objectId();
  if (!reader.isAtEnd) readNull(reader);
  reader.end();
  const hash = HASHES.get(id);
  if (hash === undefined) throw reader.malformed(`hash ${id} is not accepted`);
  return hash;
}

function readKey(reader: DerReader): CertifiedKey {
  const algorithm = reader.into(DER_TAG.sequence);
  const id = algorithm.objectId();
  const bits = reader.bits();
  reader.end();
  if (id === OID.ecPublicKey) {
    const curve = CURVES.get(algorithm.objectId());
    algorithm.end();
    if (curve === undefined) throw reader.malformed('a curve that is not accepted');
    if (!isPointOf(curve, bits)) {
      throw new ProofError('key-malformed', `certificate: not a point of ${curve}`);
    }
    return { type: 'ecc', curve, point: bits };
  }
  if (id === OID.rsaEncryption) readNull(algorithm);
  else if (id === OID.rsaOaep) algorithm.element();
  else throw reader.malformed(`key algorithm ${id} is not accepted`);
  algorithm.end();
  const outer = new DerReader('certificate', bits);
  const numbers = outer.into(DER_TAG.sequence);
  outer.end();
  const modulus = numbers.unsigned();
  const exponent = integerOf(numbers.unsigned());
  numbers.end();
  return { type: 'rsa', rsa: rsaPublicKey(modulus, exponent) };
}

function readNull(reader: DerReader): void {
  if (reader.element(DER_TAG.null).content.length > 0) throw reader.malformed('NULL is not empty');
}

/** Seconds since 1970 of a UTCTime (1950 to 2049) or GeneralizedTime (RFC 5280 §4.1.2.5). */
function readTime(reader: DerReader): number {
  const { tag, content } = reader.element();
  const isShort = tag === DER_TAG.utcTime;
  if (!isShort && tag !== DER_TAG.generalizedTime) throw reader.malformed('no time');
  const text = String.fromCharCode(...content);
  const parts = (isShort ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (parts === null) throw reader.malformed('a time in another form');
  const [short = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map(Number);
  const year = isShort ? (short < 50 ? 2000 : 1900) + short : short;
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(milliseconds);
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60;
  if (!isReal || second >= 60) throw reader.malformed('a time that no calendar has');
  return milliseconds / 1000;
}
