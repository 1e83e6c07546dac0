/**
 * What the ledger needs of a TPM: a clock reading and a counter that it signs, a counter that never
 * goes back, and a signature by a key that cannot leave it.
 *
 * Every call has a deadline, `timeoutMs` from the call, and throws DeviceError, whose
 * `deviceMayHaveChanged` is true only where an increment's outcome is unknown. Codes of all calls:
 * `device-deadline-exceeded`, `device-missing`, `device-refused`, `device-mismatch`,
 * `device-helper-lost`.
 */
import type { Attestation, CounterAttestation } from './attestation.ts';
import type { AttestationDeviceDescription } from './device-description.ts';

export interface AttestationDevice {
  /** Keys, certificates, counter and clock, as they are now. */
  describe(timeoutMs: number): Promise<AttestationDeviceDescription>;

  /** TPM2_GetTime: the TPM's clock, with `qualifyingData` (at most 64 bytes) bound in. */
  bracket(qualifyingData: Uint8Array, timeoutMs: number): Promise<Attestation>;

  /** TPM2_NV_Certify of the counter's eight bytes, with `qualifyingData` bound in. */
  certifyCounter(qualifyingData: Uint8Array, timeoutMs: number): Promise<CounterAttestation>;

  /** By the checkpoint key, ECDSA P-256 over SHA-256(message): r ‖ s, 64 bytes. */
  signCheckpoint(message: Uint8Array, timeoutMs: number): Promise<Uint8Array>;

  /**
   * TPM2_NV_Increment, sent once; the value read after it. Wears the TPM: see `counterIntervalMs`.
   */
  incrementCounter(timeoutMs: number): Promise<bigint>;
}
