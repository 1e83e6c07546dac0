/** What the TPM's only user does first, where no resource manager stands between. */
import { type Tpm, TpmError, constants } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { forgetFailures } from './tpm-lockout.ts';

/** Starts the TPM where nobody has, and drops what a dead predecessor left in its few slots. */
export async function takeOver(tpm: Tpm, deadline: Deadline): Promise<void> {
  try {
    const { clear } = constants.startupType;
    await tpm.platform.startup(clear, { timeoutMs: deadline.remainingMs() });
  } catch (error) {
    const started = error instanceof TpmError && error.isTpmCode(constants.responseCode.initialize);
    if (!started) throw error;
  }
  await tpm.platform.flushLeftovers({ timeoutMs: deadline.remainingMs() });
  await forgetFailures(tpm, deadline);
}
