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
