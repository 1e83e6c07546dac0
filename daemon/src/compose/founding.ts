/**
 * Opens the ledger of the state folder with its devices, or founds one. Founding is made of steps
 * that can each be repeated: the provisioning record is durable before TPM and token are touched,
 * so an interrupted first start goes on with the same ledgerId and finds what it made.
 */
import {
  applianceIdOf,
  decodeApplianceDocument,
  decodeProvisioningRecord,
  equalBytes,
  formatVerifierKey,
  p256PointOfSpki,
  type ApplianceDocument,
  type VerifierKey,
} from '@kudurru/proof';

import { isKudurruError, KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex } from '../base/units.ts';
import type { Configuration } from '../config/load.ts';
import type {
  AttestationDeviceDescription,
  SigningTokenDescription,
} from '../hardware/device-description.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { TpmHierarchy } from '../hardware/provisioning.ts';
import type { PinProtection } from '../hardware/token-pin.ts';
import { checkDevices, makeApplianceDocument, makeProvisioningRecord } from '../ledger/founding.ts';
import type { LedgerStore } from '../ledger/store.ts';
import { beginLedger } from './begin-ledger.ts';
import type { Devices } from './devices.ts';

/** Making keys takes seconds in a software TPM, and a minute in a slow one. */
export const provisionTimeoutMs = 120_000;

export interface FoundedLedger {
  readonly store: LedgerStore;
  readonly ledgerId: Uint8Array;
  readonly origin: string;
  readonly trustDomain: string;
  readonly provisioningRecord: Uint8Array;
  readonly logKey: VerifierKey;
  /** The same as C2SP writes it. */
  readonly logKeyText: string;
  /** Of the TPM's checkpoint key. */
  readonly applianceKey: VerifierKey;
  readonly applianceDocument: Uint8Array;
  readonly applianceId: Uint8Array;
  readonly document: ApplianceDocument;
  /** Hierarchies of the TPM that need an authorisation which the operators have. */
  readonly authorisationsSet: readonly TpmHierarchy[];
  /** How the token's PIN is kept, when the ledger was opened. */
  readonly pin: PinProtection;
}

export interface FoundingOptions {
  readonly configuration: Configuration;
  readonly devices: Devices;
  readonly log: Log;
}

/**
 * @throws KudurruError `ledger-failed`, `state-folder-unusable`, `device-mismatch`,
 * `config-invalid`, `provisioning-unfinished`, and DeviceError of the devices
 */
export async function openFounded(options: FoundingOptions): Promise<FoundedLedger> {
  const { settings } = options.configuration;
  const { store, unfinished } = await beginLedger({
    ...options,
    makeRecord: () => makeProvisioningRecord({ ...settings, operators: [] }),
  });
  try {
    if (unfinished === null) return await reopen(options, store);
    refuseUnfinished(unfinished);
    return await found(options, store, unfinished);
  } catch (error) {
    await store.leave();
    throw error;
  }
}

/** With operators a ledger is founded by the command that they provision it with. */
function refuseUnfinished(provisioningRecord: Uint8Array): void {
  const { operators } = decodeProvisioningRecord(provisioningRecord);
  if (operators.length === 0) return;
  throw new KudurruError(
    'provisioning-unfinished',
    'start refused: this ledger was begun by "kudurru provision", which was interrupted; ' +
      'run that command again, with the same options',
  );
}

async function found(
  { devices, log }: FoundingOptions,
  store: LedgerStore,
  provisioningRecord: Uint8Array,
): Promise<FoundedLedger> {
  log.info('founding a ledger: TPM and token make their keys');
  await devices.attestation.provision(store.ledgerId, provisionTimeoutMs);
  await devices.token.provision(store.ledgerId, provisionTimeoutMs);
  const described = await describe(devices);
  const applianceDocument = makeApplianceDocument(described.device, described.token);
  return assemble(store, { provisioningRecord, applianceDocument, ...described });
}

/** The ledger of a genesis entry, with the devices that it was made on. */
export async function reopen(
  { devices, configuration }: FoundingOptions,
  store: LedgerStore,
): Promise<FoundedLedger> {
  const index = leafIndex(0n);
  const genesis = entryOfKind(await store.readEntry(index), 'genesis', index);
  const described = await describeOwn(devices, genesis.applianceDocument);
  const founded = assemble(store, {
    provisioningRecord: genesis.provisioningRecord,
    applianceDocument: genesis.applianceDocument,
    ...described,
  });
  if (founded.logKeyText !== genesis.logKey) {
    throw new KudurruError(
      'device-mismatch',
      'start refused: the token does not hold the log key that this ledger began with',
    );
  }
  refuseOtherName(configuration, founded);
  return founded;
}

/** Those of the genesis entry. @throws KudurruError `device-mismatch`, and DeviceError */
async function describeOwn(devices: Devices, document: Uint8Array) {
  try {
    const described = await describe(devices);
    checkDevices(document, makeApplianceDocument(described.device, described.token));
    return described;
  } catch (cause) {
    if (!isKudurruError(cause, 'device-mismatch')) throw cause;
    const reason = `start refused: ${cause.message}; ${adviceOnOtherDevices}`;
    throw new KudurruError('device-mismatch', reason, { cause });
  }
}

/** No order of operators helps: readers would have to trust keys that genesis does not name. */
const adviceOnOtherDevices =
  'only the TPM and the token that this ledger began with can continue it: put them back as ' +
  'they were; where they are lost the ledger ends here, and stays to be read and checked: found ' +
  'another with "kudurru provision" in a new state folder, and submit the last checkpoint of ' +
  'this one, its file "checkpoint", to it as the first action';

export async function describe(devices: Devices) {
  const device = await devices.attestation.describe(provisionTimeoutMs);
  const token = await devices.token.describe(provisionTimeoutMs);
  const pin = await devices.pin.describePin(provisionTimeoutMs);
  return { device, token, pin };
}

/** @throws KudurruError `device-holds-another-ledger` */
export function assemble(
  store: LedgerStore,
  parts: {
    readonly provisioningRecord: Uint8Array;
    readonly applianceDocument: Uint8Array;
    readonly device: AttestationDeviceDescription;
    readonly token: SigningTokenDescription;
    readonly pin: PinProtection;
  },
): FoundedLedger {
  const { provisioningRecord, applianceDocument, device, token, pin } = parts;
  const { ledgerId } = store;
  for (const [name, held] of [
    ['TPM', device.ledgerId],
    ['token', token.ledgerId],
  ] as const) {
    if (equalBytes(held, ledgerId)) continue;
    throw new KudurruError(
      'device-holds-another-ledger',
      `start refused: the ${name} holds the keys of another ledger than this state folder`,
    );
  }
  const { origin, trustDomain } = decodeProvisioningRecord(provisioningRecord);
  const logKey = {
    name: origin,
    key: { algorithm: 'Ed25519', bytes: token.logPublicKey },
  } as const;
  return {
    store,
    ledgerId,
    origin,
    trustDomain,
    provisioningRecord,
    logKey,
    logKeyText: formatVerifierKey(logKey),
    applianceKey: {
      name: `${origin}/appliance/0`,
      key: { algorithm: 'ESP256', bytes: p256PointOfSpki(device.checkpointKeySpki) },
    },
    applianceDocument,
    applianceId: applianceIdOf(applianceDocument),
    document: decodeApplianceDocument(applianceDocument),
    authorisationsSet: device.authorisationsSet,
    pin,
  };
}

/** What was asked for and is not the ledger's must not be passed over. */
function refuseOtherName({ settings, sources }: Configuration, founded: FoundedLedger): void {
  const { origin, trustDomain, document } = founded;
  const lasting = { origin, trustDomain, anchorPcr: document.pcrIndex };
  for (const name of ['origin', 'trustDomain', 'anchorPcr'] as const) {
    if (sources[name] === 'default' || settings[name] === lasting[name]) continue;
    throw new KudurruError(
      'config-invalid',
      `start refused: "${name}" is "${settings[name]}" by ${sources[name]}, and this ledger was ` +
        `founded with "${lasting[name] ?? 'none'}"; that never changes`,
    );
  }
}
