/** The proof that attestation key and endorsement key are in one TPM: see SPEC.md. */
export interface CredentialActivation {
  /**
   * TPM2_ActivateCredential: the credential's secret, which only the TPM with the endorsement key
   * that it was made for can open, and only with the attestation key that it names.
   * @throws DeviceError `credential-refused`, and those of every device call
   */
  activateCredential(credential: TpmCredential, timeoutMs: number): Promise<Uint8Array>;
}

export interface TpmCredential {
  /** TPM2B_ID_OBJECT. */
  readonly credentialBlob: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array;
}
