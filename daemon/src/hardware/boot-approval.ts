/**
 * An approved boot: PCR values that a key of the operators has signed as a TPM policy, so that what
 * is sealed under that key opens in this boot.
 */

/** Of the SHA-256 bank, 32 bytes. */
export interface PcrValue {
  readonly pcr: number;
  readonly value: Uint8Array;
}

export interface BootApproval {
  /** Ascending by PCR; at least one. */
  readonly values: readonly PcrValue[];
  /** ECDSA P-256 over SHA-256(`approvalMessage`): r ‖ s, 64 bytes. */
  readonly signature: Uint8Array;
}
