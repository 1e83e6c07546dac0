/** What the TPM signs, as values. */

/** Signed by the attestation key; nothing inside is believed before a verifier has checked it. */
export interface Attestation {
  /** TPMS_ATTEST (TPM 2.0 Part 2 §10.12.12) as signed. */
  readonly attest: Uint8Array;
  /** ECDSA P-256 over SHA-256(attest): r ‖ s, 64 bytes. */
  readonly signature: Uint8Array;
}

export interface CounterAttestation extends Attestation {
  /** The counter's value, as the attestation has it. */
  readonly value: bigint;
}
