/**
 * What the device helper is told at its start. Nothing here has a default and nothing falls back:
 * the configuration names one TPM and one token, and a missing one is a failure.
 */
import type { AssuranceLabel } from './device-description.ts';

export interface TpmSettings {
  readonly label: AssuranceLabel;
  /** Transport as tpm2-tss spells it, such as 'device:/dev/tpmrm0'. */
  readonly tcti: string;
  /** Where the encrypted key blobs are kept: ours alone, made when it does not exist. */
  readonly folder: string;
  /** NV index of the counter, 0x01800000 .. 0x01bfffff (owner's range). */
  readonly counterIndex: number;
  /** NV index of the extend index, in the same range. */
  readonly extendIndex: number;
  /** PCR that anchors extend, 0..15: none of these is reset while the TPM runs. */
  readonly anchorPcr: number;
  /**
   * The helper is the TPM's only user and no resource manager stands between: it starts the TPM,
   * and flushes what a dead predecessor left loaded. Never for a shared device.
   */
  readonly soleUser: boolean;
}

export interface TokenSettings {
  readonly label: AssuranceLabel;
  /** Absolute path of the PKCS#11 module. */
  readonly module: string;
  readonly tokenLabel: string;
  /** Needed where several tokens carry the label. */
  readonly tokenSerial?: string;
  /** File with the user PIN, readable by its owner only. */
  readonly pinFile: string;
}

export interface DeviceSettings {
  readonly tpm: TpmSettings;
  readonly token: TokenSettings;
  /** The helper's whole environment, such as SOFTHSM2_CONF; nothing else is passed on. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The indexes where nothing else is configured: "K" in the owner's range. */
export const defaultCounterIndex = 0x01804b01;
export const defaultExtendIndex = 0x01804b02;
