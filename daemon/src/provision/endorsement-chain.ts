/**
 * The endorsement key's certificate and who signed it, as far as this box can see: from the key's
 * own certificate up, each one signed by the next, out of what the TPM stores and what a person
 * put into a folder. Whether the last of them is a vendor's is the reader's to say, who has the
 * vendors' roots: nothing here is called genuine.
 */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { KudurruError, wrapError } from '../base/errors.ts';

/** As many as an appliance document holds (SPEC.md §11). */
const certificatesMax = 8;
const fileSizeBytesMax = 65_536;
const filesMax = 256;
const certificateFile = /\.(?:pem|crt|cer|der)$/iu;

export interface EndorsementChain {
  /** DER: the endorsement key's own first; empty where the TPM has none. */
  readonly certificates: readonly Uint8Array[];
  readonly end:
    /** The TPM stores no certificate of its endorsement key. */
    | 'no-certificate'
    /** The last one is signed by somebody whose certificate is not here. */
    | 'issuer-unknown'
    /** The last one signed itself. */
    | 'self-signed';
  /** Who signed the last one, as it says itself. */
  readonly issuer: string | null;
}

/**
 * `stored` begins with the endorsement key's own certificate; `known` are in any order.
 * @throws KudurruError `certificate-unusable`
 */
export function followChain(
  stored: readonly Uint8Array[],
  known: readonly Uint8Array[],
): EndorsementChain {
  const [own, ...rest] = stored;
  if (own === undefined) return { certificates: [], end: 'no-certificate', issuer: null };
  const candidates = [...rest, ...known].map(certificateOf);
  const chain = [certificateOf(own)];
  for (;;) {
    const last = chain.at(-1) ?? certificateOf(own);
    if (isSignedBy(last, last)) return chainOf(chain, 'self-signed');
    const next = candidates.find((one) => isSignedBy(last, one) && !chain.includes(one));
    if (next === undefined || chain.length === certificatesMax) {
      return chainOf(chain, 'issuer-unknown');
    }
    chain.push(next);
  }
}

/**
 * The certificates in the .pem, .crt, .cer and .der files of a folder; PEM may hold several.
 * @throws KudurruError `certificate-unusable`
 */
export function readCertificates(folder: string): readonly Uint8Array[] {
  try {
    const names = readdirSync(folder)
      .filter((name) => certificateFile.test(name))
      .toSorted();
    if (names.length > filesMax) throw new Error(`more than ${filesMax} files`);
    return names.flatMap((name) => certificatesIn(join(folder, name)));
  } catch (cause) {
    throw wrapError('certificate-unusable', `certificates in '${folder}' not read`, cause);
  }
}

export function chainText({ certificates, end, issuer }: EndorsementChain): string {
  if (end === 'no-certificate') {
    return 'the TPM stores no certificate of its endorsement key: a reader must pin the key';
  }
  const above = `certificate is for this key; ${certificates.length - 1} above it here`;
  return end === 'issuer-unknown'
    ? `${above}, the last signed by '${issuer ?? ''}', whose certificate is not here`
    : `${above}, up to '${issuer ?? ''}', which signed itself: whether that is a TPM vendor is ` +
        'for the reader to say';
}

function certificatesIn(file: string): Uint8Array[] {
  const bytes = readFileSync(file);
  if (bytes.length > fileSizeBytesMax) throw refused(file, 'it is too long');
  const parts = bytes
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu);
  const encoded = parts === null ? [bytes] : parts.map((part) => Buffer.from(part));
  try {
    return encoded.map((one) => Uint8Array.from(new X509Certificate(one).raw));
  } catch (cause) {
    throw refused(file, 'it holds something else than X.509 certificates', cause);
  }
}

/** The name fits and the signature holds. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function chainOf(
  chain: readonly X509Certificate[],
  end: 'issuer-unknown' | 'self-signed',
): EndorsementChain {
  const issuer = chain.at(-1)?.issuer.replaceAll('\n', ', ') ?? null;
  return { certificates: chain.map(({ raw }) => Uint8Array.from(raw)), end, issuer };
}

function certificateOf(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw wrapError('certificate-unusable', 'a certificate in the TPM is not X.509', cause);
  }
}

function refused(file: string, reason: string, cause?: unknown): KudurruError {
  return new KudurruError('certificate-unusable', `certificate '${file}' not taken: ${reason}`, {
    cause,
  });
}
