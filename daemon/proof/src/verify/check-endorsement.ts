/** Whose TPM it is, where the reader's policy says which makers or which TPMs it trusts. */
import { isEmulatorManufacturer } from '../appliance.ts';
import { equalBytes } from '../bytes.ts';
import type { Certificate } from '../certificate.ts';
import { parseCertificate } from '../certificate.ts';
import type { TpmDescription } from '../certificate-extensions.ts';
import { manufacturerOf } from '../certificate-extensions.ts';
import { isOfKey, verifyEndorsement } from '../endorsement.ts';
import type { EndorsementTrust } from '../policy.ts';
import { ProofError } from '../proof-error.ts';
import { sha256 } from '../sha256.ts';
import { utcOfTai } from '../tai.ts';
import { parseStoragePublic } from '../tpm-public.ts';
import type { Evidence } from './evidence.ts';
import { mustHold, skipped, unverifiable } from './finding.ts';
import { quote } from './quote.ts';

const NS_PER_SECOND = 1_000_000_000n;
/** A certificate says whose the EK is; where the AK is, only its TPM can say. */
const LIMIT = '; that the AK is in that TPM takes a challenge of the TPM itself';

/** The EK is one that the policy pins, or its certificate leads to a root of the policy. */
export function checkEndorsement(evidence: Evidence): string {
  const { genesis, policy } = evidence;
  const { document } = genesis;
  const { endorsement } = policy;
  if (endorsement === undefined) {
    if (document.label === 'hardware') {
      throw unverifiable('the TPM is called hardware; the policy names no root and no pin for it');
    }
    throw skipped(`the policy names no maker of TPMs, and the TPM is called ${document.label}`);
  }
  if (isPinned(document, endorsement)) return `the EK is one that the policy pins${LIMIT}`;
  const chain = chainOf(evidence, endorsement);
  const { tpm } = chain[0].extensions;
  if (tpm === null) throw unverifiable("the EK's certificate does not say of what TPM it is");
  requireSameMaker(tpm, document);
  const { manufacturer, model, version } = tpm;
  const name = [manufacturer, model, version].map(quote).join(', ');
  return `a root of the policy certifies the EK as that of a TPM ${name}${LIMIT}`;
}

type Document = Evidence['genesis']['document'];

/** Pins are of the EK's public area, or of a certificate of that very key. */
function isPinned(document: Document, { pins }: EndorsementTrust): boolean {
  const isOne = (bytes: Uint8Array): boolean => pins.some((pin) => equalBytes(pin, sha256(bytes)));
  if (isOne(document.ekPublic)) return true;
  return document.ekCertificates.some((certificate) => {
    if (!isOne(certificate)) return false;
    return isOfKey(parseCertificate(certificate), parseStoragePublic(document.ekPublic));
  });
}

function chainOf(
  { genesis }: Evidence,
  { roots, atUnixSeconds }: EndorsementTrust,
): readonly [Certificate, ...Certificate[]] {
  const { document, item } = genesis;
  const { utcNs } = utcOfTai(item.entry.time.taiNs);
  try {
    return verifyEndorsement({
      ekPublic: document.ekPublic,
      certificates: document.ekCertificates,
      roots,
      atUnixSeconds: atUnixSeconds ?? Number(utcNs / NS_PER_SECOND),
    });
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw unverifiable(`the policy knows no maker of the EK: ${error.message}`);
  }
}

/** What the certificate says of the TPM and what the document says do not contradict each other. */
function requireSameMaker(tpm: TpmDescription, document: Document): void {
  const certified = manufacturerOf(tpm);
  const isEmulator =
    EMULATOR_IDS.includes(tpm.manufacturer) || isEmulatorManufacturer(certified ?? '');
  mustHold(
    !isEmulator || document.label !== 'hardware',
    `the EK's certificate is of an emulator, ${quote(tpm.manufacturer)}`,
  );
  const stated = document.manufacturer.trim();
  mustHold(
    certified === null || certified === stated,
    `the EK's certificate is of a TPM by ${quote(certified ?? '')}, not by ${quote(stated)}`,
  );
}

/** What swtpm writes: a number of IBM's, where letters should be. */
const EMULATOR_IDS: readonly string[] = ['id:00001014'];
