/**
 * Whose TPM an endorsement key is of: from a certificate of that key, over the authorities beside
 * it, to a root that the reader trusts. Offline: no revocation is asked for, and the time at which
 * the certificates must hold is the caller's.
 */
import { equalBytes } from './bytes.ts';
import type { Certificate } from './certificate.ts';
import { isSignedBy, parseCertificate } from './certificate.ts';
import type { KeyUse } from './certificate-extensions.ts';
import { EK_CERTIFICATE_PURPOSE } from './certificate-extensions.ts';
import { ProofError } from './proof-error.ts';
import type { StoragePublic } from './tpm-public.ts';
import { parseStoragePublic } from './tpm-public.ts';

export interface EndorsementClaim {
  /** TPMT_PUBLIC of the EK. */
  readonly ekPublic: Uint8Array;
  /** DER: the EK's own and, if need be, authorities between it and a root; in any order. */
  readonly certificates: readonly Uint8Array[];
  /** DER: what the reader trusts. */
  readonly roots: readonly Uint8Array[];
  /** When the certificates must hold. */
  readonly atUnixSeconds: number;
}

/** A chain, from the EK's certificate to a root. */
export type EndorsementChain = readonly [Certificate, ...Certificate[]];

/**
 * @throws ProofError `certificate-untrusted` with the reason, `certificate-malformed` of a root,
 *   `tpm-malformed` or `key-malformed` of the EK
 */
export function verifyEndorsement(claim: EndorsementClaim): EndorsementChain {
  const ek = parseStoragePublic(claim.ekPublic);
  const roots = claim.roots.map(parseCertificate);
  const reasons: string[] = [];
  const certificates = claim.certificates.flatMap((bytes, i) => {
    const certificate = attempt(() => parseCertificate(bytes));
    if (!(certificate instanceof ProofError)) return [certificate];
    reasons.push(`certificate ${i}: ${certificate.message}`);
    return [];
  });
  const ofEk = certificates.filter((certificate) => isOfKey(certificate, ek));
  if (ofEk.length === 0) reasons.unshift('no certificate is of the EK');
  for (const leaf of ofEk) {
    const reason = leafProblem(leaf, claim.atUnixSeconds);
    const chain =
      reason === null ? new ChainSearch(certificates, { ...claim, roots }).from(leaf) : null;
    if (chain !== null) return chain;
    reasons.push(reason ?? 'no chain leads to a root of the reader');
  }
  throw new ProofError('certificate-untrusted', `endorsement: ${reasons.join('; ')}`);
}

/** Whether `certificate` is of the key `ek`. */
export function isOfKey({ key }: Certificate, { key: own }: StoragePublic): boolean {
  if (key.type === 'rsa' || own.type === 'rsa') {
    return key.type === 'rsa' && own.type === 'rsa' && key.rsa.modulus === own.rsa.modulus;
  }
  return key.curve === own.curve && equalBytes(key.point, own.point);
}

/** Why `leaf` is no EK certificate that holds now, or null (TCG EK Credential Profile §3.2). */
function leafProblem(leaf: Certificate, atUnixSeconds: number): string | null {
  const { isAuthority, keyUses, purposes } = leaf.extensions;
  const use: KeyUse = leaf.key.type === 'rsa' ? 'keyEncipherment' : 'keyAgreement';
  if (isAuthority) return "the EK's certificate is an authority's";
  if (keyUses?.includes(use) === false) return `the EK's certificate does not allow ${use}`;
  if (purposes?.includes(EK_CERTIFICATE_PURPOSE) !== true) {
    return "the EK's certificate does not say that it is one (2.23.133.8.1)";
  }
  return commonProblem(leaf, atUnixSeconds);
}

function commonProblem(certificate: Certificate, atUnixSeconds: number): string | null {
  const { notBeforeUnixSeconds, notAfterUnixSeconds, extensions } = certificate;
  const [unknown] = extensions.unknownCritical;
  if (unknown !== undefined) return `a certificate has the unknown critical extension ${unknown}`;
  if (atUnixSeconds < notBeforeUnixSeconds) return 'a certificate does not hold yet';
  return atUnixSeconds > notAfterUnixSeconds ? 'a certificate has expired' : null;
}

interface ParsedRoots {
  readonly roots: readonly Certificate[];
  readonly atUnixSeconds: number;
}

class ChainSearch {
  readonly #certificates: readonly Certificate[];
  readonly #roots: readonly Certificate[];
  readonly #atUnixSeconds: number;
  /** Each certificate is tried once: a ring of them must end. */
  readonly #tried = new Set<Certificate>();

  constructor(certificates: readonly Certificate[], { roots, atUnixSeconds }: ParsedRoots) {
    this.#certificates = certificates;
    this.#roots = roots;
    this.#atUnixSeconds = atUnixSeconds;
  }

  /** A chain from `certificate` to a root, or null; `below` authorities are under its issuer. */
  from(certificate: Certificate, below = 0): EndorsementChain | null {
    this.#tried.add(certificate);
    const root = this.#roots.find((issuer) => this.#hasIssued(issuer, certificate, below));
    if (root !== undefined) return [certificate, root];
    for (const issuer of this.#certificates) {
      if (this.#tried.has(issuer) || !this.#hasIssued(issuer, certificate, below)) continue;
      const chain = this.from(issuer, below + 1);
      if (chain !== null) return [certificate, ...chain];
    }
    return null;
  }

  #hasIssued(issuer: Certificate, certificate: Certificate, below: number): boolean {
    const { isAuthority, pathLength, keyUses } = issuer.extensions;
    return (
      equalBytes(issuer.subject, certificate.issuer) &&
      isAuthority &&
      (pathLength === null || below <= pathLength) &&
      keyUses?.includes('keyCertSign') !== false &&
      commonProblem(issuer, this.#atUnixSeconds) === null &&
      isSignedBy(certificate, issuer)
    );
  }
}

function attempt<T>(read: () => T): T | ProofError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProofError) return error;
    throw error;
  }
}
