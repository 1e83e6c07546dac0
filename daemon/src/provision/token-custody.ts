/**
 * Makes the token the ledger's, and its PINs nobody's on the box: the user's PIN is sealed to the
 * TPM, for boots that the operators approve, and the security officer's is handed over to them. The
 * key that approves boots is made here, signs the boot of now, and is handed over too.
 *
 * Commit order, and what a crash leaves: (1) `handover/boot-approval.age`: a key that approves
 * nothing, made anew; (2) both PINs sealed: they are the token's from here on; (3)
 * `handover/token-officer.age`: written again with the same PIN; (4) token initialised; (5) its
 * user PIN set; (6) the sealed officer's PIN forgotten; (7) keys made.
 *
 * A token that is initialised already is taken over with the PIN of its file: (1) keys made; (2)
 * `handover/boot-approval.age`; (3) PIN sealed; (4) the file removed.
 */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { encodeHex } from '@kudurru/proof';

import { KudurruError, wrapError } from '../base/errors.ts';
import { syncFolder } from '../base/write-durably.ts';
import type { Devices } from '../compose/devices.ts';
import type { Settings } from '../config/schema.ts';
import { approvalMessage } from '../hardware/backends/boot-policy.ts';
import type { PcrValue } from '../hardware/boot-approval.ts';
import type { PinSealing } from '../hardware/pin-provisioning.ts';
import type { AgeRecipient } from './age.ts';
import { pointOf } from './approval-key.ts';
import { handoverFile, writeLetter } from './handover.ts';

export interface TokenCustodyOptions {
  readonly state: string;
  readonly settings: Settings;
  readonly ledgerId: Uint8Array;
  readonly recipients: readonly AgeRecipient[];
  readonly devices: Devices;
  readonly timeoutMs: number;
}

/** The files for the operators that were written. @throws as `provision` */
export async function takeToken(options: TokenCustodyOptions): Promise<readonly string[]> {
  const { state, settings, ledgerId, devices, timeoutMs } = options;
  const { tokenPinFile: pinFile, tokenLabel } = settings;
  const found = await devices.pin.findPin(timeoutMs);
  if (found === 'file' && !existsSync(pinFile)) throw foreign(tokenLabel, pinFile);
  if (found === 'blank') await devices.pin.preparePin(await newSealing(options), timeoutMs);
  if (found === 'blank' || found === 'prepared') {
    const officerPin = await devices.pin.officerPin(timeoutMs);
    writeLetter(options, 'token-officer', officerLetter(options, officerPin));
  }
  await devices.token.provision(ledgerId, timeoutMs);
  if (found === 'file') {
    const { serial } = await devices.token.describe(timeoutMs);
    await devices.pin.adoptPin(await newSealing(options), serial, timeoutMs);
  }
  if (existsSync(pinFile) || found === 'sealed') removePinFile(pinFile);
  const names = ['boot-approval', 'token-officer'] as const;
  return names.map((name) => handoverFile(state, name)).filter((file) => existsSync(file));
}

/** The PCRs that a boot of this box is known by: those that are quoted, but the anchors' own. */
export function pinPcrs({ bootPcrs, anchorPcr }: Settings): readonly number[] {
  const quoted = new Set(bootPcrs.split(',').map(Number));
  quoted.delete(anchorPcr);
  if (quoted.size > 0) return [...quoted].sort((one, other) => one - other);
  throw new KudurruError(
    'config-invalid',
    `settings not accepted: "bootPcrs" names no PCR besides ${anchorPcr}, which anchors extend: ` +
      "the token's PIN has no boot to be sealed for",
  );
}

/** A key that approves boots, handed over, and its approval of this boot. */
async function newSealing(options: TokenCustodyOptions): Promise<PinSealing> {
  const { ledgerId, settings, devices, timeoutMs } = options;
  const pcrs = pinPcrs(settings);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeLetter(options, 'boot-approval', approvalLetter(options, privateKey));
  const quoted = await devices.attestation.quote({ pcrs, qualifyingData: ledgerId }, timeoutMs);
  const values = pcrs.map((pcr, place): PcrValue => {
    return { pcr, value: quoted.values[place] ?? new Uint8Array() };
  });
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = Uint8Array.from(sign('sha256', approvalMessage(ledgerId, values), key));
  return { ledgerId, approvalKey: pointOf(publicKey), approval: { values, signature } };
}

/** What was sealed must not lie beside it. */
function removePinFile(path: string): void {
  try {
    rmSync(path, { force: true });
    // Also where a run has removed it that was killed then.
    syncFolder(dirname(path));
  } catch (cause) {
    throw wrapError(
      'pin-file-left',
      `the token's PIN is sealed, and its file '${path}' is not removed; remove it, and run this ` +
        'command again',
      cause,
    );
  }
}

function foreign(label: string, pinFile: string): KudurruError {
  return new KudurruError(
    'device-holds-another-ledger',
    `not provisioned: the token '${label}' is initialised already, and not by this ledger; ` +
      'nothing is overwritten: use a blank token, or, if somebody initialised this one for this ' +
      `ledger, write its user PIN into '${pinFile}'`,
  );
}

function officerLetter({ ledgerId, settings }: TokenCustodyOptions, pin: string): string {
  return [
    "Security officer's PIN of a Kudurru appliance's token",
    '',
    `ledger  ${encodeHex(ledgerId)}`,
    `token   ${settings.tokenLabel}`,
    `PIN     ${pin}`,
    '',
    'It sets another user PIN, or empties the token; nothing in daily use needs it.',
    'It is nowhere on the box: keep it away from there.',
    '',
  ].join('\n');
}

function approvalLetter({ ledgerId }: TokenCustodyOptions, key: KeyObject): string {
  return [
    "Key that approves a Kudurru appliance's boots",
    '',
    `ledger  ${encodeHex(ledgerId)}`,
    '',
    "The TPM opens the token's PIN in boots that this key has signed, and in no others. After a",
    'change of firmware or boot loader, away from the box:',
    '',
    '  kudurru pin approve boot.json --key THIS-FILE -o approved.json',
    '',
    key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  ].join('\n');
}
