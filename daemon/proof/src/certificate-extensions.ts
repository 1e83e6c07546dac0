/**
 * The extensions of a certificate (RFC 5280 §4.2) that decide whether it may sign others, whether
 * it is of an endorsement key, and of whose TPM (TCG EK Credential Profile 2.x §3.2).
 */
import { DER_TAG, DerReader } from './der.ts';

const OID = {
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  extendedKeyUsage: '551d25',
  /** Read by nobody here: every policy is accepted, as RFC 5280 §6.1.1 (c) has it. */
  certificatePolicies: '551d20',
  tpmManufacturer: '6781050201',
  tpmModel: '6781050202',
  tpmVersion: '6781050203',
} as const;
/** tcg-kp-EKCertificate, 2.23.133.8.1. */
export const EK_CERTIFICATE_PURPOSE = '6781050801';
const DIRECTORY_NAME = 0xa4;
const PATH_LENGTH_MAX = 16;
const EXTENSIONS_MAX = 32;

export type KeyUse =
  | 'digitalSignature'
  | 'contentCommitment'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';
const KEY_USES: readonly KeyUse[] = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/** What the TPM's vendor says it is. */
export interface TpmDescription {
  /** `id:` and eight hexadecimal digits, four letters in them. */
  readonly manufacturer: string;
  readonly model: string;
  readonly version: string;
}

export interface CertificateExtensions {
  readonly isAuthority: boolean;
  /** How many authorities may come below this one; null for any number. */
  readonly pathLength: number | null;
  /** Null where the certificate does not say. */
  readonly keyUses: readonly KeyUse[] | null;
  /** Object identifiers in hexadecimal; null where the certificate does not say. */
  readonly purposes: readonly string[] | null;
  readonly tpm: TpmDescription | null;
  /** Critical extensions that are not known here, in hexadecimal. */
  readonly unknownCritical: readonly string[];
}

/** The content of the `[3]` of a certificate. @throws ProofError `certificate-malformed` */
export function readExtensions(outer: DerReader): CertificateExtensions {
  const reader = outer.into(DER_TAG.sequence);
  outer.end();
  const values = new Map<string, Uint8Array>();
  const unknownCritical: string[] = [];
  while (!reader.isAtEnd) {
    const extension = reader.into(DER_TAG.sequence);
    const id = extension.objectId();
    const isCritical = extension.flag();
    const { content } = extension.element(DER_TAG.octetString);
    extension.end();
    if (values.has(id)) throw reader.malformed(`extension ${id} stands twice`);
    if (values.size >= EXTENSIONS_MAX) throw reader.malformed('too many extensions');
    values.set(id, content);
    if (isCritical && !KNOWN.has(id)) unknownCritical.push(id);
  }
  return { ...readKnown(values), unknownCritical };
}

const KNOWN: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
]);

function readKnown(
  values: ReadonlyMap<string, Uint8Array>,
): Omit<CertificateExtensions, 'unknownCritical'> {
  const read = <T>(id: string, parse: (reader: DerReader) => T): T | null => {
    const value = values.get(id);
    if (value === undefined) return null;
    const reader = new DerReader('certificate', value);
    const parsed = parse(reader);
    reader.end();
    return parsed;
  };
  const constraints = read(OID.basicConstraints, readBasicConstraints);
  return {
    isAuthority: constraints?.isAuthority ?? false,
    pathLength: constraints?.pathLength ?? null,
    keyUses: read(OID.keyUsage, readKeyUsage),
    purposes: read(OID.extendedKeyUsage, readPurposes),
    tpm: read(OID.subjectAltName, readTpmDescription),
  };
}

function readBasicConstraints(
  outer: DerReader,
): Pick<CertificateExtensions, 'isAuthority' | 'pathLength'> {
  const reader = outer.into(DER_TAG.sequence);
  const isAuthority = reader.flag();
  if (reader.isAtEnd) return { isAuthority, pathLength: null };
  const [length = 0, ...more] = reader.unsigned();
  reader.end();
  if (!isAuthority || more.length > 0 || length > PATH_LENGTH_MAX) {
    throw reader.malformed('a path length out of place or out of range');
  }
  return { isAuthority, pathLength: length };
}

/** A named bit list: trailing zero bits are not there (X.690 §11.2.2). */
function readKeyUsage(reader: DerReader): readonly KeyUse[] {
  const { content } = reader.element(DER_TAG.bitString);
  const [unused = 0, ...bytes] = content;
  const last = bytes.at(-1) ?? 0;
  const isMinimal = unused < 8 && (last & ((1 << (unused + 1)) - 1)) === 1 << unused;
  if (bytes.length === 0 || bytes.length > 2 || !isMinimal) {
    throw reader.malformed('key usage is not a list of bits');
  }
  return KEY_USES.filter((_, bit) => (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1);
}

function readPurposes(outer: DerReader): readonly string[] {
  const reader = outer.into(DER_TAG.sequence);
  const purposes: string[] = [];
  while (!reader.isAtEnd) purposes.push(reader.objectId());
  if (purposes.length === 0) throw reader.malformed('an empty list of purposes');
  return purposes;
}

/** The directory name with the three attributes of a TPM, among the subject's other names. */
function readTpmDescription(outer: DerReader): TpmDescription | null {
  const names = outer.into(DER_TAG.sequence);
  const found = new Map<string, string>();
  while (!names.isAtEnd) {
    const { tag, whole } = names.element();
    if (tag !== DIRECTORY_NAME) continue;
    const name = new DerReader('certificate', whole).into(DIRECTORY_NAME).into(DER_TAG.sequence);
    while (!name.isAtEnd) readAttributes(name.into(DER_TAG.set), found);
  }
  const [manufacturer, model, version] = [OID.tpmManufacturer, OID.tpmModel, OID.tpmVersion].map(
    (id) => found.get(id),
  );
  if (manufacturer === undefined || model === undefined || version === undefined) return null;
  return { manufacturer, model, version };
}

function readAttributes(set: DerReader, found: Map<string, string>): void {
  while (!set.isAtEnd) {
    const attribute = set.into(DER_TAG.sequence);
    const id = attribute.objectId();
    const isTpm = [OID.tpmManufacturer, OID.tpmModel, OID.tpmVersion].some((own) => own === id);
    if (!isTpm) attribute.element();
    else if (found.has(id)) throw set.malformed('the TPM is described twice');
    else found.set(id, attribute.text());
    attribute.end();
  }
}

/** Letters of a manufacturer's id, `id:49465800` being IFX; null where it has none. */
export function manufacturerOf({ manufacturer }: TpmDescription): string | null {
  const [, digits] = /^id:([0-9A-Fa-f]{8})$/.exec(manufacturer) ?? [];
  if (digits === undefined) return null;
  const letters = (digits.match(/../g) ?? []).map((pair) =>
    String.fromCharCode(parseInt(pair, 16)),
  );
  const name = letters.join('').replace(/[\u0000 ]+$/, '');
  return /^[A-Za-z0-9]+$/.test(name) ? name : null;
}
