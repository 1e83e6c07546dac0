/** Opens a credential with the endorsement key: by policy, or by password where it allows that. */
import { TpmError, constants } from '@kudurru/tpm2-tss';

import type { TpmCredential } from '../credential-activation.ts';
import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import { asParent, openEndorsementKey } from './tpm-endorsement.ts';
import type { LoadedTpm } from './tpm-loaded.ts';

/** What a TPM answers to a credential that is for another key or TPM, or was altered (§12.5). */
const { integrity, value, size, eccPoint } = constants.responseCode;
const notOurs: readonly number[] = [integrity, value, size, eccPoint];

export async function activateCredential(
  { tpm, state, ak }: LoadedTpm,
  credential: TpmCredential,
  deadline: Deadline,
): Promise<Uint8Array> {
  const endorsement = await openEndorsementKey(tpm, state.ekProfile, deadline);
  try {
    return await asParent(tpm, endorsement, {
      deadline,
      command: ({ sessions = [], timeoutMs = deadline.remainingMs() }) =>
        tpm.keys.activateCredential(
          ak,
          { key: endorsement.key, credential },
          { sessions: [constants.passwordSession, ...sessions], timeoutMs },
        ),
    });
  } catch (error) {
    const refused = error instanceof TpmError && notOurs.some((code) => error.isTpmCode(code));
    if (!refused && !isUnfit(error)) throw error;
    throw new DeviceError(
      'credential-refused',
      "challenge not answered: it was made for another TPM or another ledger's key, or was " +
        'altered on its way',
      { cause: error },
    );
  } finally {
    if (endorsement.transient) {
      await tpm.keys.flush(endorsement.key, { timeoutMs: deadline.remainingMs() });
    }
  }
}

/** Bytes that are not even the two structures. */
function isUnfit(error: unknown): boolean {
  return error instanceof TpmError && error.failure === 'argument';
}
