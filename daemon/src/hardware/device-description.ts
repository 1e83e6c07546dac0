/** What a TPM and a token say about themselves, as evidence needs it: values only. */
import type { Attestation, TpmClock } from './attestation.ts';
import type { TpmHierarchy } from './provisioning.ts';

/** Shown wherever a device's output is shown. */
export type AssuranceLabel = 'hardware' | 'emulated';

export interface AttestationDeviceDescription {
  /** As configured, but `emulated` wherever the manufacturer is a known emulator. */
  readonly label: AssuranceLabel;
  /** As the TPM gives them, such as 'IFX' or 'IBM', and 'SW   TPM'. */
  readonly manufacturer: string;
  readonly vendorString: string;
  readonly firmwareVersion: bigint;
  readonly ledgerId: Uint8Array;
  /** TPMT_PUBLIC as marshalled, here and for the keys below. */
  readonly ekPublic: Uint8Array;
  /** X.509, DER: the endorsement key's first, then what the TPM stores of its chain. */
  readonly ekCertificates: readonly Uint8Array[];
  readonly akPublic: Uint8Array;
  /** nameAlg ‖ digest, chained through the EK: `qualifiedSigner` of every attestation. */
  readonly akQualifiedName: Uint8Array;
  readonly checkpointKeyPublic: Uint8Array;
  readonly checkpointKeySpki: Uint8Array;
  readonly checkpointKeyCreation: KeyCreationEvidence;
  /** TPMS_NV_PUBLIC as marshalled, with TPMA_NV_WRITTEN set. */
  readonly counterPublic: Uint8Array;
  readonly counterName: Uint8Array;
  /** Value after the first increment. A counter rarely starts at 1. */
  readonly counterBase: bigint;
  /** TPMS_NV_PUBLIC of the extend index, written once; null where it was provisioned without. */
  readonly extendPublic: Uint8Array | null;
  /** The PCR that anchors extend; null where the TPM was provisioned without. */
  readonly pcrIndex: number | null;
  /** Hierarchies whose authorisation somebody has set. */
  readonly authorisationsSet: readonly TpmHierarchy[];
  readonly clock: TpmClock;
}

/** TPM2_CertifyCreation of a key by the attestation key; `creationData` as marshalled. */
export interface KeyCreationEvidence extends Attestation {
  readonly creationData: Uint8Array;
  readonly creationHash: Uint8Array;
}

export interface SigningTokenDescription {
  /** As configured, but `emulated` wherever the manufacturer is a known emulator. */
  readonly label: AssuranceLabel;
  readonly tokenLabel: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** What the keys were made for (CKA_ID). */
  readonly ledgerId: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly logPublicKey: Uint8Array;
}
