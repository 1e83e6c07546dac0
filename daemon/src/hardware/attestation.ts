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

export interface QuoteRequest {
  /** 0..23, ascending. */
  readonly pcrs: readonly number[];
  readonly qualifyingData: Uint8Array;
}

export interface Quote extends Attestation {
  /** Of the SHA-256 bank, 32 bytes each, in the order asked; they give the attested digest. */
  readonly values: readonly Uint8Array[];
}

export interface TpmClock {
  /** Uptime over the TPM's life, and since its last reset; not wall time. */
  readonly clockMs: bigint;
  readonly timeMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** False: the clock may have gone back, as after a power loss. */
  readonly safe: boolean;
}
