/**
 * The appliance document (SPEC.md §7.4): the TPM keys and indexes of one box, as the genesis entry
 * holds them and the reader's trust policy pins them.
 */
import type { ShapeType } from './schema.ts';
import {
  bytes,
  constant,
  decodeWith,
  encodeWith,
  INDEX_MAX,
  list,
  names,
  nullable,
  Place,
  record,
  refine,
  text,
  uint,
} from './schema.ts';
import { SIGNATURE_SIZE_BYTES } from './public-key.ts';

/** From the strongest to the weakest. */
export const LABELS = ['hardware', 'emulated', 'simulated'] as const;
/** How real the devices are from which something came. */
export type Label = (typeof LABELS)[number];
export const label = names(1, LABELS);

/** TPM manufacturers whose TPMs are emulators: IBM is what libtpms reports. */
const EMULATOR_MANUFACTURERS: readonly string[] = ['IBM'];
const PUBLIC_SIZE_BYTES_MAX = 1024;
const NV_PUBLIC_SIZE_BYTES_MAX = 128;
const CREATION_DATA_SIZE_BYTES_MAX = 512;
export const ATTEST_SIZE_BYTES_MAX = 1024;
const CERTIFICATE_SIZE_BYTES_MAX = 8192;
const CERTIFICATES_MAX = 8;
/** The last PCR of the PC Client profile. */
export const PCR_MAX = 23;

const publicArea = bytes(1, PUBLIC_SIZE_BYTES_MAX);
const nvPublic = bytes(1, NV_PUBLIC_SIZE_BYTES_MAX);
export const signatureBytes = bytes(SIGNATURE_SIZE_BYTES, SIGNATURE_SIZE_BYTES);
export const attestBytes = bytes(1, ATTEST_SIZE_BYTES_MAX);

const shape = {
  version: constant(1),
  label,
  manufacturer: text(1, 64),
  firmwareVersion: bytes(8, 8),
  /** TPMT_PUBLIC. */
  ekPublic: publicArea,
  /** DER. */
  ekCertificates: list(bytes(1, CERTIFICATE_SIZE_BYTES_MAX), 0, CERTIFICATES_MAX),
  /** TPMT_PUBLIC. */
  akPublic: publicArea,
  /** TPMT_PUBLIC. */
  checkpointKeyPublic: publicArea,
  checkpointKeyCreation: record({
    /** TPMS_CREATION_DATA. */
    creationData: bytes(1, CREATION_DATA_SIZE_BYTES_MAX),
    attest: attestBytes,
    signature: signatureBytes,
  }),
  /** TPMS_NV_PUBLIC, with TPMA_NV_WRITTEN set. */
  counterPublic: nvPublic,
  counterBase: uint(0, INDEX_MAX),
  /** TPMS_NV_PUBLIC. */
  extendPublic: nullable(nvPublic),
  pcrIndex: nullable(uint(0, PCR_MAX)),
  tokenLabel: label,
  token: record({
    manufacturer: text(0, 64),
    model: text(0, 64),
    serial: text(0, 64),
  }),
};

export type ApplianceDocument = ShapeType<typeof shape>;

const codec = refine(record(shape), (document) =>
  document.label === 'hardware' && isEmulatorManufacturer(document.manufacturer)
    ? `label 'hardware' beside the emulator manufacturer '${document.manufacturer}'`
    : null,
);
const place = new Place('entry-invalid', 'appliance document');

/** @throws ProofError `entry-invalid`, `cbor-malformed` */
export function decodeApplianceDocument(encoded: Uint8Array): ApplianceDocument {
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `entry-invalid` */
export function encodeApplianceDocument(document: ApplianceDocument): Uint8Array {
  return encodeWith(codec, document, place);
}

/** Whether TPMs of `manufacturer` are emulators, whatever a document calls them. */
export function isEmulatorManufacturer(manufacturer: string): boolean {
  return EMULATOR_MANUFACTURERS.includes(manufacturer.trim().toUpperCase());
}

/** The weakest of some labels. */
export function weakestLabel(labels: readonly [Label, ...Label[]]): Label {
  return LABELS[Math.max(...labels.map((name) => LABELS.indexOf(name)))] ?? 'simulated';
}
