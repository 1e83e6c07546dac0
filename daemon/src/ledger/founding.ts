/**
 * What a ledger is founded on: a provisioning record, whose hash is the ledger's id, and the
 * documents of its devices. Both stand in the genesis entry and never change.
 */
import { randomBytes } from 'node:crypto';

import {
  decodeApplianceDocument,
  encodeApplianceDocument,
  encodeProvisioningRecord,
  encodeU64,
  equalBytes,
  type ApplianceDocument,
  type ProvisioningRecord,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { toSafeNumber } from '../base/units.ts';
import type {
  AttestationDeviceDescription,
  SigningTokenDescription,
} from '../hardware/device-description.ts';

const nonceSizeBytes = 32;

/** What a ledger is founded with, besides the nonce. */
export type LedgerNames = Pick<ProvisioningRecord, 'origin' | 'trustDomain' | 'operators'>;

/** A new provisioning record; its nonce makes every ledger another one. */
export function makeProvisioningRecord({
  origin,
  trustDomain,
  operators,
}: LedgerNames): Uint8Array {
  return encodeProvisioningRecord({
    version: 1,
    origin,
    trustDomain,
    operators,
    nonce: new Uint8Array(randomBytes(nonceSizeBytes)),
  });
}

/** The document of this box (SPEC.md §7.4). */
export function makeApplianceDocument(
  device: AttestationDeviceDescription,
  token: SigningTokenDescription,
): Uint8Array {
  const { creationData, attest, signature } = device.checkpointKeyCreation;
  const { manufacturer, model, serial } = token;
  return encodeApplianceDocument({
    version: 1,
    label: device.label,
    manufacturer: device.manufacturer,
    firmwareVersion: encodeU64(device.firmwareVersion),
    ekPublic: device.ekPublic,
    ekCertificates: device.ekCertificates,
    akPublic: device.akPublic,
    checkpointKeyPublic: device.checkpointKeyPublic,
    checkpointKeyCreation: { creationData, attest, signature },
    counterPublic: device.counterPublic,
    counterBase: toSafeNumber(device.counterBase),
    extendPublic: device.extendPublic,
    pcrIndex: device.pcrIndex,
    tokenLabel: token.label,
    token: { manufacturer, model, serial },
  });
}

/**
 * Members that stay the same for the life of an appliance. Firmware and certificates may change.
 */
const lasting = ['ekPublic', 'akPublic', 'checkpointKeyPublic', 'counterPublic'] as const;

/**
 * Throws unless the devices found are those of the genesis entry.
 * @throws KudurruError `device-mismatch`
 */
export function checkDevices(founded: Uint8Array, found: Uint8Array): ApplianceDocument {
  const [then, now] = [decodeApplianceDocument(founded), decodeApplianceDocument(found)];
  const changed = lasting.filter((member) => !equalBytes(then[member], now[member]));
  if (then.label !== now.label) throw mismatch(`its label was "${then.label}", now "${now.label}"`);
  if (!isSameRegisters(then, now)) throw mismatch('its extend index or anchor PCR is another');
  if (changed.length > 0) throw mismatch(`other than in the genesis entry: ${changed.join(', ')}`);
  return then;
}

/** A ledger may have been founded without them. */
function isSameRegisters(then: ApplianceDocument, now: ApplianceDocument): boolean {
  if (then.pcrIndex !== now.pcrIndex) return false;
  if (then.extendPublic === null || now.extendPublic === null) {
    return then.extendPublic === now.extendPublic;
  }
  return equalBytes(then.extendPublic, now.extendPublic);
}

function mismatch(reason: string): KudurruError {
  return new KudurruError(
    'device-mismatch',
    `the TPM is not the one that this ledger began with: ${reason}`,
  );
}
