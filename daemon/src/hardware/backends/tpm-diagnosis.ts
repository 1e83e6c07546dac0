/**
 * What a TPM shows that is not as a ledger left it, thing by thing, and what follows: so that who
 * reads a refusal knows whether to look for another chip, or for who has cleared this one. Reads
 * only: nothing is made that was not there.
 */
import type { Tpm } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import type { TpmSettings } from '../device-settings.ts';
import { openEndorsementKey } from './tpm-endorsement.ts';
import { storageRootHandle } from './tpm-provisioning.ts';
import type { ProvisionedTpm } from './tpm-state.ts';

type Shown = 'its own' | 'another' | 'none';

export interface TpmDiagnosis {
  readonly endorsementKey: Shown;
  /** Whose it is, its public part does not say. */
  readonly storageRoot: 'there' | 'none';
  readonly counter: Shown;
  /** Null where the TPM was provisioned without one. */
  readonly extendIndex: Shown | null;
}

export async function diagnoseTpm(
  tpm: Tpm,
  { settings, state }: { readonly settings: TpmSettings; readonly state: ProvisionedTpm },
  deadline: Deadline,
): Promise<TpmDiagnosis> {
  const root = await tpm.keys.find(storageRootHandle, { timeoutMs: deadline.remainingMs() });
  const index = (at: number, wanted: Uint8Array) => showIndex(tpm, { at, wanted }, deadline);
  return {
    endorsementKey: await showEndorsementKey(tpm, state, deadline),
    storageRoot: root === undefined ? 'none' : 'there',
    counter: await index(settings.counterIndex, state.counterPublic),
    extendIndex:
      state.anchoring === null
        ? null
        : await index(settings.extendIndex, state.anchoring.extendPublic),
  };
}

/** As a clause of a sentence. */
export function tellDiagnosis(diagnosis: TpmDiagnosis): string {
  const { endorsementKey, storageRoot, counter, extendIndex } = diagnosis;
  const shown = [
    `endorsement key ${endorsementKey}`,
    `storage root key ${storageRoot}`,
    `counter ${counter}`,
    ...(extendIndex === null ? [] : [`extend index ${extendIndex}`]),
  ];
  return `it shows ${shown.join(', ')}: ${conclusionOf(diagnosis)}`;
}

function conclusionOf({ endorsementKey, storageRoot, counter, extendIndex }: TpmDiagnosis): string {
  if (endorsementKey !== 'its own') return 'it is another TPM';
  if (storageRoot === 'none' && counter === 'none') return 'it is the same TPM, and was cleared';
  if (counter === 'none' || extendIndex === 'none') {
    return 'it is the same TPM, from which its owner has removed an index';
  }
  if (counter === 'another' || extendIndex === 'another') {
    return 'it is the same TPM, with an index that was made anew';
  }
  return 'it is the same TPM, and its keys are not those that were stored';
}

async function showEndorsementKey(
  tpm: Tpm,
  state: ProvisionedTpm,
  deadline: Deadline,
): Promise<Shown> {
  const { key, transient, publicArea } = await openEndorsementKey(tpm, state.ekProfile, deadline);
  if (transient) await tpm.keys.flush(key, { timeoutMs: deadline.remainingMs() });
  return Buffer.compare(publicArea, state.ekPublic) === 0 ? 'its own' : 'another';
}

async function showIndex(
  tpm: Tpm,
  { at, wanted }: { readonly at: number; readonly wanted: Uint8Array },
  deadline: Deadline,
): Promise<Shown> {
  const found = await tpm.nv.find(at, { timeoutMs: deadline.remainingMs() });
  if (found === undefined) return 'none';
  const { publicArea } = await tpm.nv.readPublic(found, { timeoutMs: deadline.remainingMs() });
  return Buffer.compare(publicArea, wanted) === 0 ? 'its own' : 'another';
}
