/** Certificates of endorsement keys and of those who issue them, with keys in the open. */
import { concatBytes, decodeHex, encodeUtf8 } from '../../src/bytes.ts';
import { derOfP1363, spkiOfP256Point } from '../../src/es256.ts';
import type { Signer } from './keys.ts';
import { p256Signer } from './keys.ts';

/** Who signs certificates, and how. */
export interface Issuer {
  readonly name: string;
  readonly spki: Uint8Array;
  /** DER of the AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export interface CertificateChoices {
  readonly subject?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Replaces the extension of the same name; null leaves it out. */
  readonly extensions?: Readonly<Record<string, Uint8Array | null>>;
  /** Changes the certificate before it is signed. */
  readonly signedBy?: Issuer;
}

const ID = {
  ecdsaSha256: '2a8648ce3d040302',
  commonName: '550403',
  manufacturer: '6781050201',
  model: '6781050202',
  version: '6781050203',
  ekPurpose: '6781050801',
};

/** One DER element. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(...content);
  const { length } = bytes;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...head), bytes);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => der(0x30, ...parts);
export const objectId = (hex: string): Uint8Array => der(0x06, decodeHex(hex));
export const utf8 = (text: string): Uint8Array => der(0x0c, encodeUtf8(text));

export function issuerOf(name: string, signer: Signer = p256Signer(`issuer ${name}`)): Issuer {
  return {
    name,
    spki: spkiOfP256Point(signer.publicKey.bytes),
    algorithm: sequence(objectId(ID.ecdsaSha256)),
    sign: (message) => derOfP1363(signer.sign(message)),
  };
}

/** A certificate by `issuer` of an authority. */
export function authorityCertificate(
  issuer: Issuer,
  subject: Issuer,
  choices: CertificateChoices = {},
): Uint8Array {
  const extensions = {
    basicConstraints: extension('551d13', sequence(der(0x01, Uint8Array.of(0xff))), 'critical'),
    keyUsage: extension('551d0f', der(0x03, Uint8Array.of(2, 0x04)), 'critical'),
    ...choices.extensions,
  };
  return certificate(issuer, subject.spki, { subject: subject.name, ...choices, extensions });
}

/** A certificate by `issuer` of the endorsement key with `spki`. */
export function endorsementCertificate(
  issuer: Issuer,
  spki: Uint8Array,
  choices: CertificateChoices = {},
): Uint8Array {
  const extensions = {
    basicConstraints: extension('551d13', sequence(), 'critical'),
    keyUsage: extension('551d0f', der(0x03, Uint8Array.of(3, 0x08)), 'critical'),
    purposes: extension('551d25', sequence(objectId(ID.ekPurpose))),
    subjectAltName: tpmName('id:4D415945', 'Maya 2', 'id:00010002'),
    ...choices.extensions,
  };
  return certificate(issuer, spki, { subject: '', ...choices, extensions });
}

/** The subject alternative name of a TPM. */
export function tpmName(manufacturer: string, model: string, version: string): Uint8Array {
  const attribute = (id: string, text: string): Uint8Array =>
    der(0x31, sequence(objectId(id), utf8(text)));
  const name = sequence(
    attribute(ID.manufacturer, manufacturer),
    attribute(ID.model, model),
    attribute(ID.version, version),
  );
  return extension('551d11', sequence(der(0xa4, name)), 'critical');
}

export function extension(id: string, value: Uint8Array, critical?: 'critical'): Uint8Array {
  const flag = critical === undefined ? [] : [der(0x01, Uint8Array.of(0xff))];
  return sequence(objectId(id), ...flag, der(0x04, value));
}

function certificate(issuer: Issuer, spki: Uint8Array, choices: CertificateChoices): Uint8Array {
  const { notBefore = '200101000000Z', notAfter = '99991231235959Z' } = choices;
  const extensions = Object.values(choices.extensions ?? {}).filter((value) => value !== null);
  const signer = choices.signedBy ?? issuer;
  const signed = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, Uint8Array.of(1)),
    signer.algorithm,
    distinguishedName(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(choices.subject ?? ''),
    spki,
    der(0xa3, sequence(...extensions)),
  );
  const signature = der(0x03, Uint8Array.of(0), signer.sign(signed));
  return sequence(signed, signer.algorithm, signature);
}

function distinguishedName(commonName: string): Uint8Array {
  if (commonName === '') return sequence();
  return sequence(der(0x31, sequence(objectId(ID.commonName), utf8(commonName))));
}

/** UTCTime, or GeneralizedTime where the year has four digits. */
function time(text: string): Uint8Array {
  return der(text.length === 13 ? 0x17 : 0x18, encodeUtf8(text));
}
