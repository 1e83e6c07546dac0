/**
 * How the token's user PIN is kept: sealed to the TPM under a key of the operators who approve
 * boots, or in a file. Every call has a deadline and throws DeviceError.
 */
import type { BootApproval, PcrValue } from './boot-approval.ts';

export interface TokenPin {
  describePin(timeoutMs: number): Promise<PinProtection>;

  /** Durable on return. @throws DeviceError `approval-invalid`, `pin-not-sealed` */
  approveBoot(approval: BootApproval, timeoutMs: number): Promise<void>;
}

export type PinProtection = { readonly kind: 'file'; readonly path: string } | SealedPin;

export interface SealedPin {
  readonly kind: 'sealed';
  readonly ledgerId: Uint8Array;
  /** P-256, x ‖ y. */
  readonly approvalKey: Uint8Array;
  /** What the PCRs of the newest approval show now. */
  readonly now: readonly PcrValue[];
  /** Newest first. */
  readonly approvals: readonly BootApproval[];
  /** One of them is of this boot. */
  readonly isApproved: boolean;
}
