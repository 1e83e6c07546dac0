/**
 * Taking the token's PINs out of the box's own hands. Every call has a deadline and throws
 * DeviceError, with the codes of every device call and `boot-not-approved`.
 */
import type { BootApproval } from './boot-approval.ts';

export interface PinSealing {
  readonly ledgerId: Uint8Array;
  /** P-256, x ‖ y: whoever has its private half says in which boots the PIN opens. */
  readonly approvalKey: Uint8Array;
  /** Of the boot of now. */
  readonly approval: BootApproval;
}

/**
 * `file`: the token is there, and nothing is sealed. `blank`: there is none of this label yet.
 * `prepared`: the PINs are sealed, the token is being initialised. `sealed`: all is done.
 */
export type PinKeeping = 'file' | 'blank' | 'prepared' | 'sealed';

export interface PinProvisioning {
  findPin(timeoutMs: number): Promise<PinKeeping>;

  /** From `blank`: makes both PINs and seals them; the token is not touched yet. */
  preparePin(sealing: PinSealing, timeoutMs: number): Promise<void>;

  /** While `prepared`: the security officer's PIN, for the operators. */
  officerPin(timeoutMs: number): Promise<string>;

  /** From `file`: seals the PIN that the file holds, for the token of this serial number. */
  adoptPin(sealing: PinSealing, tokenSerial: string, timeoutMs: number): Promise<void>;
}
