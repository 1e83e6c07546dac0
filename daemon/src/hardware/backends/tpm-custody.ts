/**
 * The authorisations of the TPM's hierarchies: whoever has none of them cannot remove the counter
 * or clear the TPM. They are set once, to values that only the operators get.
 */
import { type Tpm, constants } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import {
  TPM_HIERARCHIES,
  type HierarchyAuthorisation,
  type TpmHierarchy,
} from '../provisioning.ts';
import { openEndorsementKey } from './tpm-endorsement.ts';
import type { LoadedTpm } from './tpm-loaded.ts';

const flags: Readonly<Record<TpmHierarchy, number>> = {
  owner: constants.permanentAttribute.ownerAuthSet,
  lockout: constants.permanentAttribute.lockoutAuthSet,
};

/** Of the values that TPM2_GetCapability gives. */
export function authorisationsSetIn(values: ReadonlyMap<number, number>): readonly TpmHierarchy[] {
  const permanent = values.get(constants.property.permanent) ?? 0;
  return TPM_HIERARCHIES.filter((hierarchy) => (permanent & flags[hierarchy]) !== 0);
}

export async function setAuthorisation(
  { tpm, state }: LoadedTpm,
  { hierarchy, value }: HierarchyAuthorisation,
  deadline: Deadline,
): Promise<void> {
  const { values } = await tpm.platform.properties({ timeoutMs: deadline.remainingMs() });
  if (authorisationsSetIn(values).includes(hierarchy)) {
    throw new DeviceError(
      'device-mismatch',
      `${hierarchy} authorisation of the TPM not set: it is set already`,
    );
  }
  const endorsement = await openEndorsementKey(tpm, state.ekProfile, deadline);
  const salt = { key: endorsement.key, publicArea: state.ekPublic };
  const session = await tpm.sessions.startHmac({ salt, timeoutMs: deadline.remainingMs() });
  try {
    await tpm.hierarchies.changeAuth(constants.hierarchy[hierarchy], value, {
      timeoutMs: deadline.remainingMs(),
      sessions: [session],
    });
    // This connection forgets it too: nothing here uses it again.
    await tpm.hierarchies.setAuth(constants.hierarchy[hierarchy], new Uint8Array(0));
  } finally {
    await tpm.sessions.flush(session, { timeoutMs: deadline.remainingMs() });
    await flushTransient(tpm, endorsement, deadline);
  }
}

async function flushTransient(
  tpm: Tpm,
  endorsement: Awaited<ReturnType<typeof openEndorsementKey>>,
  deadline: Deadline,
): Promise<void> {
  if (!endorsement.transient) return;
  await tpm.keys.flush(endorsement.key, { timeoutMs: deadline.remainingMs() });
}
