/**
 * What an anchor leaves behind in the TPM besides its counter: a PCR that only a reset of the TPM
 * takes back, and an NV index that outlives it, both extended and never set (SPEC.md §9). A TPM
 * that was provisioned without them has neither.
 *
 * Every call has a deadline and throws DeviceError, with the codes of attestation-device.ts; an
 * extension whose outcome is unknown says `deviceMayHaveChanged`, and may be asked for again.
 */
import type { Attestation, Quote, QuoteRequest, TpmClock } from './attestation.ts';

export interface AnchorRegisters {
  /** All of one TPM boot; what the TPM was provisioned without is null. */
  readRegisters(timeoutMs: number): Promise<Registers>;

  /** TPM2_PCR_Extend of the anchor PCR: see `Extension`. */
  extendPcr(extension: Extension, timeoutMs: number): Promise<Uint8Array>;

  /** TPM2_NV_Extend of the extend index: see `Extension`. */
  extendIndex(extension: Extension, timeoutMs: number): Promise<Uint8Array>;

  /** TPM2_NV_Certify of the extend index's 32 bytes, with `qualifyingData` bound in. */
  certifyExtend(qualifyingData: Uint8Array, timeoutMs: number): Promise<Attestation>;

  /** TPM2_Quote of PCRs of the SHA-256 bank, and their values. */
  quote(request: QuoteRequest, timeoutMs: number): Promise<Quote>;
}

export interface Registers {
  readonly clock: TpmClock;
  readonly counter: bigint;
  /** 32 bytes each. */
  readonly pcr: Uint8Array | null;
  readonly extend: Uint8Array | null;
}

/**
 * From one value to the next, SHA-256(from ‖ data). The register is read first and extended, once,
 * only where it shows `from`; the answer is the value it shows afterwards, whatever that is. So
 * an extension whose answer was lost can be asked for again.
 */
export interface Extension {
  /** 32 bytes. */
  readonly from: Uint8Array;
  /** 32 bytes. */
  readonly data: Uint8Array;
}
