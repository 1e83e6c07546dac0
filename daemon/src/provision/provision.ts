/**
 * Makes a box ready for one ledger, in steps that can each be repeated; the genesis entry is the
 * last one, so a ledger that has it has everything.
 *
 *   1. ledger        provisioning record durable: names, operators, nonce
 *   2. TPM           keys, counter and extend index made (tpm-provisioning.ts has its own order)
 *   3. certificate   the endorsement key's chain followed
 *   4. token         initialised, its PIN sealed, log key and wrapping key made (token-custody.ts)
 *   5. custody       the TPM's authorisations given to the operators (handover.ts)
 *   6. genesis       entry 0 durable
 *
 * A crash after any of these leaves what the same command finds and goes on from. Nothing is ever
 * made over: a folder, TPM or token with another ledger is refused.
 */
import { readClock } from '@kudurru/native';
import {
  decodeProvisioningRecord,
  encodeHex,
  encodeProvisioningRecord,
  equalBytes,
  type Operator,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex } from '../base/units.ts';
import { beginLedger } from '../compose/begin-ledger.ts';
import { Devices } from '../compose/devices.ts';
import {
  assemble,
  describe,
  provisionTimeoutMs,
  reopen,
  type FoundedLedger,
} from '../compose/founding.ts';
import type { Configuration } from '../config/load.ts';
import { prepareStateFolder } from '../config/state-folder.ts';
import type { TpmHierarchy } from '../hardware/provisioning.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import {
  makeApplianceDocument,
  makeProvisioningRecord,
  type LedgerNames,
} from '../ledger/founding.ts';
import type { LedgerStore } from '../ledger/store.ts';
import { systemEntry } from '../ledger/system-entry.ts';
import { Clock } from '../time/clock.ts';
import type { AgeRecipient } from './age.ts';
import { chainText, followChain, type EndorsementChain } from './endorsement-chain.ts';
import { handOver } from './handover.ts';
import { takeToken } from './token-custody.ts';

export const PROVISION_STEPS = [
  'ledger',
  'TPM',
  'certificate',
  'token',
  'custody',
  'genesis',
] as const;
export type ProvisionStep = (typeof PROVISION_STEPS)[number];

export interface ProvisionOrder {
  /** At least one. */
  readonly operators: readonly Operator[];
  /** Certificates of those who sign endorsement keys, DER, in any order. */
  readonly issuers: readonly Uint8Array[];
  /** Who can open what is handed over; at least one. */
  readonly recipients: readonly AgeRecipient[];
}

export interface ProvisionOptions {
  readonly configuration: Configuration;
  readonly log: Log;
  /** A step is done, by this run or an earlier one. */
  readonly onStep: (step: ProvisionStep, text: string) => void;
}

export interface Provisioned {
  readonly founded: FoundedLedger;
  readonly chain: EndorsementChain;
  /** Everything was there already. */
  readonly wasDone: boolean;
}

/**
 * @throws KudurruError `recipient-missing`, `authorisation-foreign`, `provisioned-otherwise`,
 * `config-invalid`, `pin-file-left`,
 * `state-folder-locked`, `state-folder-unusable`, `device-holds-another-ledger`, `ledger-failed`,
 * and DeviceError of the devices
 */
export async function provision(
  order: ProvisionOrder,
  options: ProvisionOptions,
): Promise<Provisioned> {
  const { configuration, log } = options;
  requireRecipients(order);
  prepareStateFolder(configuration.state);
  const { origin, trustDomain } = configuration.settings;
  const names = { origin, trustDomain, operators: order.operators };
  const { store, unfinished } = await beginLedger({
    configuration,
    makeRecord: () => makeProvisioningRecord(names),
    log,
  });
  const devices = new Devices(configuration, log);
  try {
    if (unfinished !== null) {
      refuseOther(unfinished, names);
      return await new Provisioning({ order, options, store, devices }).run(unfinished);
    }
    const index = leafIndex(0n);
    const genesis = entryOfKind(await store.readEntry(index), 'genesis', index);
    refuseOther(genesis.provisioningRecord, names);
    const founded = await reopen({ configuration, devices, log }, store);
    return {
      founded,
      chain: followChain(founded.document.ekCertificates, order.issuers),
      wasDone: true,
    };
  } finally {
    await devices.close();
    await store.leave();
  }
}

interface Parts {
  readonly order: ProvisionOrder;
  readonly options: ProvisionOptions;
  readonly store: LedgerStore;
  readonly devices: Devices;
}

class Provisioning {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async run(provisioningRecord: Uint8Array): Promise<Provisioned> {
    const { store, devices, order, options } = this.#parts;
    const { onStep } = options;
    const { origin, operators } = decodeProvisioningRecord(provisioningRecord);
    const names = operators.map(({ name }) => name).join(', ');
    onStep('ledger', `${encodeHex(store.ledgerId)}, named '${origin}', operators ${names}`);
    await devices.attestation.provision(store.ledgerId, provisionTimeoutMs);
    const device = await devices.attestation.describe(provisionTimeoutMs);
    onStep('TPM', `${device.manufacturer} (${device.label}); counter at ${device.counterBase}`);
    const chain = followChain(device.ekCertificates, order.issuers);
    onStep('certificate', chainText(chain));
    const letters = await this.#takeToken();
    const described = await describe(devices);
    const { tokenLabel, serial } = described.token;
    onStep(
      'token',
      `'${tokenLabel}', serial ${serial}: log key and wrapping key are in it; its PIN is sealed ` +
        `to the TPM, for this boot. For the operators: ${letters.join(' and ')}`,
    );
    await this.#giveAway(described.device.authorisationsSet);
    const certified = { ...described.device, ekCertificates: chain.certificates };
    const founded = assemble(store, {
      provisioningRecord,
      applianceDocument: makeApplianceDocument(certified, described.token),
      ...described,
    });
    await this.#writeGenesis(founded);
    onStep('genesis', `entry 0 is durable; appliance ${encodeHex(founded.applianceId)}`);
    return { founded, chain, wasDone: false };
  }

  async #takeToken(): Promise<readonly string[]> {
    const { store, devices, order, options } = this.#parts;
    const { state, settings } = options.configuration;
    return takeToken({
      state,
      settings,
      ledgerId: store.ledgerId,
      recipients: order.recipients,
      devices,
      timeoutMs: provisionTimeoutMs,
    });
  }

  async #giveAway(alreadySet: readonly TpmHierarchy[]): Promise<void> {
    const { store, devices, order, options } = this.#parts;
    const files = await handOver({
      state: options.configuration.state,
      ledgerId: store.ledgerId,
      recipients: order.recipients,
      alreadySet,
      device: devices.attestation,
      timeoutMs: provisionTimeoutMs,
    });
    options.onStep(
      'custody',
      'owner and lockout authorisation are set, and are in no other place than ' +
        `${files.join(' and ')}, encrypted to the operators: take these files away`,
    );
  }

  async #writeGenesis(founded: FoundedLedger): Promise<void> {
    const { provisioningRecord, logKeyText: logKey, applianceDocument } = founded;
    const clock = new Clock({ read: readClock });
    const entry = systemEntry('genesis', { provisioningRecord, logKey, applianceDocument });
    const [outcome] = await founded.store.apply(null, {
      taiMinusUtcSeconds: clock.taiMinusUtcSeconds(),
      system: [{ ...entry, ...clock.now() }],
    });
    if (outcome === undefined) throw new KudurruError('ledger-failed', 'no place for a genesis');
    if ('refusal' in outcome) throw outcome.refusal;
  }
}

function requireRecipients({ recipients }: ProvisionOrder): void {
  if (recipients.length > 0) return;
  throw new KudurruError(
    'recipient-missing',
    "not provisioned: the TPM's authorisations are handed over encrypted, and no operator's key " +
      'can receive: ecdsa and FIDO2 keys only sign; name an operator with an ssh-ed25519 key, or ' +
      'give an age recipient (--age-recipient age1…)',
  );
}

/** What was begun goes on as it was begun: its names and operators are in the ledgerId. */
function refuseOther(record: Uint8Array, { origin, trustDomain, operators }: LedgerNames): void {
  const begun = decodeProvisioningRecord(record);
  const wanted = { ...begun, origin, trustDomain, operators };
  if (equalBytes(record, encodeProvisioningRecord(wanted))) return;
  const of = (one: typeof begun): string =>
    `origin '${one.origin}', trust domain '${one.trustDomain}', operators ` +
    (one.operators.map(({ name }) => `'${name}'`).join(', ') || 'none');
  const difference = of(begun) === of(wanted) ? 'other operator keys' : of(begun);
  throw new KudurruError(
    'provisioned-otherwise',
    `not provisioned: the state folder has a ledger already, founded with ${difference}; that ` +
      'never changes: use the same options, or another state folder and devices of its own',
  );
}
