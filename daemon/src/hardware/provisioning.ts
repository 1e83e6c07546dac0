/**
 * Making a device ready for one ledger. Separate from use: only the start of the daemon calls it.
 */
export interface DeviceProvisioning {
  /**
   * Idempotent: makes keys and counter where there are none, goes on where a crash interrupted it,
   * and checks them where they are. `ledgerId` is 32 bytes.
   * @throws DeviceError `device-holds-another-ledger`, `device-mismatch`, `device-unfit`,
   * `device-state-unreadable`, and those of every device call
   */
  provision(ledgerId: Uint8Array, timeoutMs: number): Promise<void>;
}

/** Who may remove indexes of the TPM (owner), and who may clear all of it (lockout). */
export const TPM_HIERARCHIES = ['owner', 'lockout'] as const;
export type TpmHierarchy = (typeof TPM_HIERARCHIES)[number];

export interface HierarchyAuthorisation {
  readonly hierarchy: TpmHierarchy;
  /** 32 bytes. */
  readonly value: Uint8Array;
}

/** Taking the TPM's hierarchies out of the box's own hands. */
export interface TpmCustody {
  /**
   * TPM2_HierarchyChangeAuth, where nobody has set that authorisation. Sent encrypted to the
   * endorsement key, and never kept: what the caller does not keep is lost.
   * @throws DeviceError `device-mismatch` where it is set already
   */
  setAuthorisation(what: HierarchyAuthorisation, timeoutMs: number): Promise<void>;
}
