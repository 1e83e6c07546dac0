/**
 * Opens the ledger of the state folder with its devices, or founds one. Founding is made of steps
 * that can each be repeated: the provisioning record is durable before TPM and token are touched,
 * so an interrupted first start goes on with the same ledgerId and finds what it made.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import {
  applianceIdOf,
  decodeApplianceDocument,
  decodeProvisioningRecord,
  equalBytes,
  formatVerifierKey,
  ledgerIdOf,
  p256PointOfSpki,
  type ApplianceDocument,
  type VerifierKey,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex } from '../base/units.ts';
import type { Configuration } from '../config/load.ts';
import type {
  AttestationDeviceDescription,
  SigningTokenDescription,
} from '../hardware/device-description.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import { checkDevices, makeApplianceDocument, makeProvisioningRecord } from '../ledger/founding.ts';
import { ledgerIdIn, openStore, type LedgerStore } from '../ledger/store.ts';
import type { Devices } from './devices.ts';

/** Making keys takes seconds in a software TPM, and a minute in a slow one. */
const provisionTimeoutMs = 120_000;

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
}

export interface FoundingOptions {
  readonly configuration: Configuration;
  readonly devices: Devices;
  readonly log: Log;
}

/**
 * @throws KudurruError `ledger-failed`, `state-folder-unusable`, `device-mismatch`,
 * `config-invalid`, and DeviceError of the devices
 */
export async function openFounded(options: FoundingOptions): Promise<FoundedLedger> {
  const { store, made } = await openOrBegin(options);
  await sayOpened(store, options.log);
  try {
    return store.head().size === 0n
      ? await found(options, store, made)
      : await reopen(options, store);
  } catch (error) {
    await store.leave();
    throw error;
  }
}

interface Opened {
  readonly store: LedgerStore;
  /** The provisioning record of a ledger that begins now; null for one that is there. */
  readonly made: Uint8Array | null;
}

async function openOrBegin({ configuration, log }: FoundingOptions): Promise<Opened> {
  const { state: folder, settings } = configuration;
  const segmentBytes = BigInt(settings.segmentSizeMib) << 20n;
  const ledgerId = ledgerIdIn(folder);
  if (ledgerId !== null) {
    const store = await openStore({ folder, ledgerId, segmentBytes });
    if (!(await isUnused(store))) return { store, made: null };
    await store.leave();
    log.warning('an earlier first start ended before anything was recorded: begun anew');
    rmSync(join(folder, 'journal'), { recursive: true });
  }
  const made = makeProvisioningRecord(settings.origin, settings.trustDomain);
  return { store: await openStore({ folder, ledgerId: ledgerIdOf(made), segmentBytes }), made };
}

/**
 * The journal was begun and holds nothing, not even the provisioning record: no device and nobody
 * else has heard of its ledgerId. Were that not so, the devices would refuse the next one.
 */
async function isUnused(store: LedgerStore): Promise<boolean> {
  return store.head().size === 0n && (await store.records('prepare', { newest: 1 })).length === 0;
}

/** How the ledger was found, and what was made again for it. */
async function sayOpened(store: LedgerStore, log: Log): Promise<void> {
  const { tailRead, replay } = store.opening;
  if (store.tornBytes > 0n) {
    log.warning('cut off what was never acknowledged', { tornBytes: store.tornBytes });
  }
  for (const note of await store.takeNotes()) log.warning(note);
  log.info('journal opened', {
    stoppedCleanly: store.stoppedCleanly,
    tailRead,
    replayedFrom: replay.snapshot === null ? 'the beginning' : `snapshot ${replay.snapshot}`,
    replayedRecords: replay.records,
  });
}

async function found(
  { devices, log }: FoundingOptions,
  store: LedgerStore,
  made: Uint8Array | null,
): Promise<FoundedLedger> {
  if (made !== null) await store.appendRecord('prepare', made);
  const [founding] = await store.records('prepare', { newest: 1 });
  if (founding === undefined) {
    throw new KudurruError('ledger-failed', 'the journal has no provisioning record');
  }
  log.info('founding a ledger: TPM and token make their keys');
  await devices.attestation.provision(store.ledgerId, provisionTimeoutMs);
  await devices.token.provision(store.ledgerId, provisionTimeoutMs);
  const { device, token } = await describe(devices);
  const applianceDocument = makeApplianceDocument(device, token);
  return assemble(store, {
    provisioningRecord: founding.bytes,
    applianceDocument,
    device,
    token,
  });
}

async function reopen(
  { devices, configuration }: FoundingOptions,
  store: LedgerStore,
): Promise<FoundedLedger> {
  const index = leafIndex(0n);
  const genesis = entryOfKind(await store.readEntry(index), 'genesis', index);
  const { device, token } = await describe(devices);
  checkDevices(genesis.applianceDocument, makeApplianceDocument(device, token));
  const founded = assemble(store, {
    provisioningRecord: genesis.provisioningRecord,
    applianceDocument: genesis.applianceDocument,
    device,
    token,
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

async function describe(devices: Devices) {
  const device = await devices.attestation.describe(provisionTimeoutMs);
  const token = await devices.token.describe(provisionTimeoutMs);
  return { device, token };
}

function assemble(
  store: LedgerStore,
  parts: {
    readonly provisioningRecord: Uint8Array;
    readonly applianceDocument: Uint8Array;
    readonly device: AttestationDeviceDescription;
    readonly token: SigningTokenDescription;
  },
): FoundedLedger {
  const { provisioningRecord, applianceDocument, device, token } = parts;
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
  };
}

/** A name that was asked for and is not the ledger's must not be passed over. */
function refuseOtherName({ settings, sources }: Configuration, founded: FoundedLedger): void {
  for (const name of ['origin', 'trustDomain'] as const) {
    if (sources[name] === 'default' || settings[name] === founded[name]) continue;
    throw new KudurruError(
      'config-invalid',
      `start refused: "${name}" is "${settings[name]}" by ${sources[name]}, and this ledger was ` +
        `founded with "${founded[name]}"; that never changes`,
    );
  }
}
