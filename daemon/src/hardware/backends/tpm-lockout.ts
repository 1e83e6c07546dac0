/**
 * The TPM's protection against guessing (Part 1, "dictionary attack protections"). Our keys and
 * counter stand outside it, with random authorisation values; the endorsement key does not, and a
 * TPM that loses power after it was used counts a failure. With a vendor's limit of three, three
 * power cuts would lock us out of our own attestation key. Where somebody has set a lockout
 * authorisation, the limits are theirs and nothing is touched.
 */
import { type Tpm, constants } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';

/** One failure is forgiven in ten minutes; 32 power cuts in a row are a fault of their own. */
const limits = { triesMax: 32, recoverySeconds: 600, lockoutRecoverySeconds: 86_400 } as const;

export async function setLockoutLimits(tpm: Tpm, deadline: Deadline): Promise<void> {
  const { values } = await tpm.platform.properties({ timeoutMs: deadline.remainingMs() });
  if (isTheirs(values)) return;
  await tpm.hierarchies.setLockoutLimits(limits, { timeoutMs: deadline.remainingMs() });
}

/** For the TPM's only user: past failures are its own power cuts. */
export async function forgetFailures(tpm: Tpm, deadline: Deadline): Promise<void> {
  const { values } = await tpm.platform.properties({ timeoutMs: deadline.remainingMs() });
  const failures = values.get(constants.property.lockoutCounter) ?? 0;
  if (failures === 0 || isTheirs(values)) return;
  await tpm.hierarchies.resetLockout({ timeoutMs: deadline.remainingMs() });
}

function isTheirs(values: ReadonlyMap<number, number>): boolean {
  const permanent = values.get(constants.property.permanent) ?? 0;
  return (permanent & constants.permanentAttribute.lockoutAuthSet) !== 0;
}
