/**
 * Makes a TPM ready for one ledger: endorsement key, attestation key under it, storage root key,
 * checkpoint key certified at its creation, counter, extend index.
 *
 * Commit order, and what a crash leaves: (1) state file `prepared`: nothing in the TPM yet;
 * (2) lockout limits set and storage root key persisted: the same again; (3) keys made: only blobs,
 * made again; (4) counter defined: it carries the ledger's mark, so it is known as ours; (5) first
 * increment: the value is read, and the counter not incremented again; (6) extend index defined,
 * with the mark too; (7) its first extension: it shows its base, and is not extended again;
 * (8) state file `provisioned`. Running it again after any of these goes on from there.
 */
import { createHash, randomBytes } from 'node:crypto';

import { extendBase, extendMark } from '@kudurru/proof';
import {
  type ObjectHandle,
  type Tpm,
  constants,
  structures,
  templates,
  unlessTpmCode,
} from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import type { TpmSettings } from '../device-settings.ts';
import {
  type EndorsementKey,
  asParent,
  checkCertificate,
  chooseEndorsementProfile,
  openEndorsementKey,
} from './tpm-endorsement.ts';
import { setLockoutLimits } from './tpm-lockout.ts';
import { qualifiedNameOf } from './tpm-signer.ts';
import {
  type PreparedTpm,
  type ProvisionedTpm,
  readTpmState,
  settleTpmState,
  writeTpmState,
} from './tpm-state.ts';

/** Where the TCG provisioning guidance puts the storage root key. */
export const storageRootHandle = 0x81000001;

/**
 * Marks an index as one ledger's: its authPolicy, and so part of its attested Name. No policy has
 * this digest, and the index has no policy attribute, so it opens nothing.
 */
export function counterMark(ledgerId: Uint8Array): Uint8Array {
  return createHash('sha256').update('kudurru/counter/1\0').update(ledgerId).digest();
}

/** The state of this ledger in this TPM, made where it is missing. */
export async function provisionTpm(
  tpm: Tpm,
  what: { readonly settings: TpmSettings; readonly ledgerId: Uint8Array },
  deadline: Deadline,
): Promise<ProvisionedTpm> {
  const { settings, ledgerId } = what;
  const stored = readTpmState(settings.folder);
  if (stored !== undefined) settleTpmState(settings.folder);
  if (stored !== undefined) refuseOtherLedger(stored.ledgerId, ledgerId, settings);
  if (stored?.stage === 'provisioned') return stored;
  for (const index of [settings.counterIndex, settings.extendIndex]) {
    await refuseForeignIndex(tpm, { ...what, index, prepared: stored !== undefined }, deadline);
  }
  const prepared = stored ?? prepare(settings, ledgerId);
  await setLockoutLimits(tpm, deadline);
  const keys = await makeKeys(tpm, prepared, deadline);
  const counter = await makeCounter(tpm, { settings, prepared }, deadline);
  const extendPublic = await makeExtendIndex(tpm, { settings, prepared }, deadline);
  const anchoring = { extendPublic, pcrIndex: settings.anchorPcr };
  const state: ProvisionedTpm = {
    ...prepared,
    ...keys,
    ...counter,
    anchoring,
    stage: 'provisioned',
  };
  writeTpmState(settings.folder, state);
  return state;
}

function prepare(settings: TpmSettings, ledgerId: Uint8Array): PreparedTpm {
  const state: PreparedTpm = { stage: 'prepared', ledgerId, authValue: randomBytes(32) };
  writeTpmState(settings.folder, state);
  return state;
}

function refuseOtherLedger(stored: Uint8Array, wanted: Uint8Array, settings: TpmSettings): void {
  if (Buffer.compare(stored, wanted) === 0) return;
  throw new DeviceError(
    'device-holds-another-ledger',
    `TPM not usable: the keys in '${settings.folder}' are of ledger '${hex(stored)}', and this ` +
      `is ledger '${hex(wanted)}'; configure the folder of this ledger`,
  );
}

async function refuseForeignIndex(
  tpm: Tpm,
  what: {
    readonly settings: TpmSettings;
    readonly ledgerId: Uint8Array;
    readonly index: number;
    readonly prepared: boolean;
  },
  deadline: Deadline,
): Promise<void> {
  const { settings, ledgerId, index, prepared } = what;
  const found = await tpm.nv.find(index, { timeoutMs: deadline.remainingMs() });
  if (found === undefined) return;
  const { authPolicy } = await tpm.nv.readPublic(found, { timeoutMs: deadline.remainingMs() });
  const name = `0x${index.toString(16)}`;
  if (Buffer.compare(authPolicy, counterMark(ledgerId)) !== 0) {
    throw new DeviceError(
      'device-holds-another-ledger',
      `TPM not usable: NV index '${name}' is defined and not by this ledger; ` +
        'use a TPM of its own, or configure another index',
    );
  }
  if (prepared) return;
  throw new DeviceError(
    'device-mismatch',
    `TPM not usable: it has this ledger's index at '${name}', but '${settings.folder}' has no ` +
      'keys; restore that folder from its backup',
  );
}

type Keys = Omit<
  ProvisionedTpm,
  'stage' | 'ledgerId' | 'authValue' | 'counterPublic' | 'counterBase' | 'anchoring'
>;

async function makeKeys(tpm: Tpm, prepared: PreparedTpm, deadline: Deadline): Promise<Keys> {
  const { profile, certificates } = await chooseEndorsementProfile(tpm, deadline);
  const endorsement = await openEndorsementKey(tpm, profile, deadline);
  checkCertificate(certificates, endorsement);
  const ak = await makeAttestationKey(tpm, { endorsement, prepared }, deadline);
  const checkpointKey = await makeCheckpointKey(tpm, { ak, prepared }, deadline);
  await tpm.keys.flush(ak.key, { timeoutMs: deadline.remainingMs() });
  return {
    ekProfile: profile,
    ekPublic: endorsement.publicArea,
    ekCertificates: certificates,
    akPublic: ak.publicArea,
    akPrivate: ak.privatePart,
    ...checkpointKey,
  };
}

async function makeAttestationKey(
  tpm: Tpm,
  from: { readonly endorsement: EndorsementKey; readonly prepared: PreparedTpm },
  deadline: Deadline,
): Promise<{ key: ObjectHandle; publicArea: Uint8Array; privatePart: Uint8Array }> {
  const { endorsement, prepared } = from;
  const template = {
    publicArea: templates.attestationKeyTemplate,
    authValue: prepared.authValue,
    outsideInfo: prepared.ledgerId,
  };
  const made = await asParent(tpm, endorsement, {
    deadline,
    command: (options) => tpm.keys.create(endorsement.key, template, options),
  });
  const key = await asParent(tpm, endorsement, {
    deadline,
    command: (options) => tpm.keys.load(endorsement.key, made, options),
  });
  await tpm.keys.setAuth(key, prepared.authValue);
  if (endorsement.transient) {
    await tpm.keys.flush(endorsement.key, { timeoutMs: deadline.remainingMs() });
  }
  return { key, publicArea: made.publicArea, privatePart: made.privatePart };
}

async function makeCheckpointKey(
  tpm: Tpm,
  from: {
    readonly ak: { readonly key: ObjectHandle; readonly publicArea: Uint8Array };
    readonly prepared: PreparedTpm;
  },
  deadline: Deadline,
): Promise<
  Pick<
    ProvisionedTpm,
    | 'checkpointKeyPublic'
    | 'checkpointKeyPrivate'
    | 'creationData'
    | 'creationHash'
    | 'creationAttest'
    | 'creationSignature'
  >
> {
  const { ledgerId, authValue } = from.prepared;
  const root = await openStorageRoot(tpm, deadline);
  const template = {
    publicArea: templates.signingKeyTemplate,
    authValue,
    outsideInfo: ledgerId,
  };
  const made = await tpm.keys.create(root, template, { timeoutMs: deadline.remainingMs() });
  const key = await tpm.keys.load(root, made, { timeoutMs: deadline.remainingMs() });
  await qualifiedNameOf(tpm, from.ak, deadline);
  const creation = await tpm.attestations.certifyCreation(
    from.ak.key,
    { object: key, creation: made, qualifyingData: ledgerId },
    { timeoutMs: deadline.remainingMs() },
  );
  await tpm.keys.flush(key, { timeoutMs: deadline.remainingMs() });
  return {
    checkpointKeyPublic: made.publicArea,
    checkpointKeyPrivate: made.privatePart,
    creationData: made.creationData,
    creationHash: made.creationHash,
    creationAttest: creation.attest,
    creationSignature: creation.signature,
  };
}

/** The storage root key at its handle; persisted there where the TPM has none yet. */
export async function openStorageRoot(tpm: Tpm, deadline: Deadline): Promise<ObjectHandle> {
  const found = await tpm.keys.find(storageRootHandle, { timeoutMs: deadline.remainingMs() });
  if (found !== undefined) {
    const timeoutMs = deadline.remainingMs();
    refuseUnfitRoot((await tpm.keys.readPublic(found, { timeoutMs })).publicArea);
    return found;
  }
  const { owner } = constants.hierarchy;
  const template = { publicArea: templates.storageRootKeyTemplate };
  const made = await tpm.keys.createPrimary(owner, template, { timeoutMs: deadline.remainingMs() });
  const place = { key: made.key, persistentHandle: storageRootHandle };
  const root = await tpm.keys.persist(owner, place, { timeoutMs: deadline.remainingMs() });
  await tpm.keys.flush(made.key, { timeoutMs: deadline.remainingMs() });
  return root;
}

function refuseUnfitRoot(publicArea: Uint8Array): void {
  const flags = constants.objectAttribute;
  const wanted = flags.fixedTpm | flags.fixedParent | flags.restricted | flags.decrypt;
  const { attributes } = structures.parsePublicArea(publicArea);
  if ((attributes & wanted) === wanted) return;
  throw new DeviceError(
    'device-unfit',
    `TPM not usable: the key at '0x${storageRootHandle.toString(16)}' is not a storage root key; ` +
      'clear the TPM, or move that key',
  );
}

async function makeCounter(
  tpm: Tpm,
  what: { readonly settings: TpmSettings; readonly prepared: PreparedTpm },
  deadline: Deadline,
): Promise<Pick<ProvisionedTpm, 'counterPublic' | 'counterBase'>> {
  const { counterIndex } = what.settings;
  const { authValue, ledgerId } = what.prepared;
  const found = await tpm.nv.find(counterIndex, { timeoutMs: deadline.remainingMs() });
  const definition = { index: counterIndex, authValue, authPolicy: counterMark(ledgerId) };
  const index =
    found ?? (await tpm.nv.defineCounter(definition, { timeoutMs: deadline.remainingMs() }));
  await tpm.nv.setAuth(index, authValue);
  let counterBase = await tpm.nv.readCounter(index, { timeoutMs: deadline.remainingMs() });
  if (counterBase === undefined) {
    await tpm.nv.increment(index, { timeoutMs: deadline.remainingMs() });
    counterBase = await tpm.nv.readCounter(index, { timeoutMs: deadline.remainingMs() });
  }
  const { publicArea } = await tpm.nv.readPublic(index, { timeoutMs: deadline.remainingMs() });
  if (counterBase === undefined) {
    throw new DeviceError('device-unfit', 'TPM not usable: its counter has no value after a write');
  }
  return { counterPublic: publicArea, counterBase };
}

/** The index, written once: its public area. */
async function makeExtendIndex(
  tpm: Tpm,
  what: { readonly settings: TpmSettings; readonly prepared: PreparedTpm },
  deadline: Deadline,
): Promise<Uint8Array> {
  const { extendIndex } = what.settings;
  const { authValue, ledgerId } = what.prepared;
  const found = await tpm.nv.find(extendIndex, { timeoutMs: deadline.remainingMs() });
  const definition = { index: extendIndex, authValue, authPolicy: counterMark(ledgerId) };
  const index =
    found ?? (await tpm.nv.defineExtend(definition, { timeoutMs: deadline.remainingMs() }));
  await tpm.nv.setAuth(index, authValue);
  const { nvUninitialized } = constants.responseCode;
  const read = (): Promise<Uint8Array> => tpm.nv.read(index, { timeoutMs: deadline.remainingMs() });
  if ((await unlessTpmCode(nvUninitialized, read())) === undefined) {
    const first = extendMark(ledgerId);
    await tpm.nv.extend(index, first, { timeoutMs: deadline.remainingMs() });
  }
  const { publicArea } = await tpm.nv.readPublic(index, { timeoutMs: deadline.remainingMs() });
  if (Buffer.compare(await read(), extendBase(ledgerId)) === 0) return publicArea;
  throw new DeviceError(
    'device-mismatch',
    `TPM not usable: the extend index at '0x${extendIndex.toString(16)}' does not show the value ` +
      'that it is made with: anchors have extended it already',
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
