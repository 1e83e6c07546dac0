/**
 * A provisioned TPM made ready for use: keys loaded, counter and extend index found, and all of
 * them those that were stored at its provisioning.
 */
import { type ObjectHandle, type Tpm, TpmError, constants } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import type { TpmSettings } from '../device-settings.ts';
import { diagnoseTpm, tellDiagnosis } from './tpm-diagnosis.ts';
import { asParent, openEndorsementKey } from './tpm-endorsement.ts';
import { openStorageRoot } from './tpm-provisioning.ts';
import { qualifiedNameOf } from './tpm-signer.ts';
import type { ProvisionedTpm } from './tpm-state.ts';

/** A TPM with our keys loaded and checked. */
export interface LoadedTpm {
  readonly tpm: Tpm;
  readonly state: ProvisionedTpm;
  readonly ak: ObjectHandle;
  readonly akQualifiedName: Uint8Array;
  readonly checkpointKey: ObjectHandle;
  readonly counter: ObjectHandle;
  readonly counterName: Uint8Array;
  /** Null where the TPM was provisioned without one. */
  readonly extend: ObjectHandle | null;
}

interface Stored {
  readonly settings: TpmSettings;
  readonly state: ProvisionedTpm;
}

/** @throws DeviceError `device-mismatch`, with all that the TPM shows */
export async function loadKeys(tpm: Tpm, from: Stored, deadline: Deadline): Promise<LoadedTpm> {
  try {
    return await loadStored(tpm, from, deadline);
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== 'device-mismatch') throw error;
    const shown = tellDiagnosis(await diagnoseTpm(tpm, from, deadline));
    throw new DeviceError(error.code, `${error.message}; ${shown}`, { cause: error });
  }
}

async function loadStored(tpm: Tpm, from: Stored, deadline: Deadline): Promise<LoadedTpm> {
  const { settings, state } = from;
  const counter = await openCounter(tpm, from, deadline);
  const extend = await openExtend(tpm, from, deadline);
  const endorsement = await openEndorsementKey(tpm, state.ekProfile, deadline);
  if (Buffer.compare(endorsement.publicArea, state.ekPublic) !== 0) {
    throw mismatch(settings, 'its endorsement key is another');
  }
  const akParts = { publicArea: state.akPublic, privatePart: state.akPrivate };
  const ak = await loadOurKey(settings, () =>
    asParent(tpm, endorsement, {
      deadline,
      command: (options) => tpm.keys.load(endorsement.key, akParts, options),
    }),
  );
  if (endorsement.transient) {
    await tpm.keys.flush(endorsement.key, { timeoutMs: deadline.remainingMs() });
  }
  const root = await openStorageRoot(tpm, deadline);
  const checkpointParts = {
    publicArea: state.checkpointKeyPublic,
    privatePart: state.checkpointKeyPrivate,
  };
  const checkpointKey = await loadOurKey(settings, () =>
    tpm.keys.load(root, checkpointParts, { timeoutMs: deadline.remainingMs() }),
  );
  await tpm.keys.setAuth(ak, state.authValue);
  await tpm.keys.setAuth(checkpointKey, state.authValue);
  const akQualifiedName = await qualifiedNameOf(tpm, { key: ak, ...akParts }, deadline);
  return { tpm, state, ak, akQualifiedName, checkpointKey, ...counter, extend };
}

async function openCounter(
  tpm: Tpm,
  from: Stored,
  deadline: Deadline,
): Promise<Pick<LoadedTpm, 'counter' | 'counterName'>> {
  const { settings, state } = from;
  const counter = await tpm.nv.find(settings.counterIndex, { timeoutMs: deadline.remainingMs() });
  if (counter === undefined) throw mismatch(settings, 'it has no counter at its index');
  const info = await tpm.nv.readPublic(counter, { timeoutMs: deadline.remainingMs() });
  if (Buffer.compare(info.publicArea, state.counterPublic) !== 0) {
    throw mismatch(settings, 'its counter is another');
  }
  await tpm.nv.setAuth(counter, state.authValue);
  const value = await readCounter(tpm, counter, deadline);
  if (value < state.counterBase) throw mismatch(settings, 'its counter is below its first value');
  return { counter, counterName: info.name };
}

async function openExtend(
  tpm: Tpm,
  from: Stored,
  deadline: Deadline,
): Promise<ObjectHandle | null> {
  const { settings, state } = from;
  if (state.anchoring === null) return null;
  const index = await tpm.nv.find(settings.extendIndex, { timeoutMs: deadline.remainingMs() });
  if (index === undefined) throw mismatch(settings, 'it has no extend index where it was made');
  const info = await tpm.nv.readPublic(index, { timeoutMs: deadline.remainingMs() });
  if (Buffer.compare(info.publicArea, state.anchoring.extendPublic) !== 0) {
    throw mismatch(settings, 'its extend index is another');
  }
  await tpm.nv.setAuth(index, state.authValue);
  return index;
}

export async function readCounter(
  tpm: Tpm,
  counter: ObjectHandle,
  deadline: Deadline,
): Promise<bigint> {
  const value = await tpm.nv.readCounter(counter, { timeoutMs: deadline.remainingMs() });
  if (value !== undefined) return value;
  throw new DeviceError('device-mismatch', 'TPM not usable: its counter has never been written');
}

/** A blob that this TPM's parent did not make fails its integrity check (TPM2_Load). */
async function loadOurKey(
  settings: TpmSettings,
  load: () => Promise<ObjectHandle>,
): Promise<ObjectHandle> {
  try {
    return await load();
  } catch (error) {
    const foreign = error instanceof TpmError && error.isTpmCode(constants.responseCode.integrity);
    throw foreign ? mismatch(settings, 'it did not make the stored keys') : error;
  }
}

function mismatch(settings: TpmSettings, why: string): DeviceError {
  return new DeviceError(
    'device-mismatch',
    `TPM at '${settings.tcti}' not usable: ${why}, unlike what '${settings.folder}' says of it`,
  );
}
