/**
 * Gives the TPM's authorisations to the operators: each is random, encrypted to their keys in a
 * file of its own, and then set. Nothing on the box keeps it, so nobody on the box can remove the
 * counter or clear the TPM.
 *
 * The file is durable before the TPM is asked: a crash before that leaves a file that is written
 * anew with another value, a crash after it the file of the value that was set.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { encodeHex } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { makeFolder, syncFolder } from '../base/make-folder.ts';
import { writeDurably } from '../base/write-durably.ts';
import { TPM_HIERARCHIES, type TpmCustody, type TpmHierarchy } from '../hardware/provisioning.ts';
import { encryptToPeople, type AgeRecipient } from './age.ts';

export interface HandoverOptions {
  readonly state: string;
  readonly ledgerId: Uint8Array;
  readonly recipients: readonly AgeRecipient[];
  /** Hierarchies whose authorisation was set when we began. */
  readonly alreadySet: readonly TpmHierarchy[];
  readonly device: TpmCustody;
  readonly timeoutMs: number;
}

const valueSizeBytes = 32;
const purposes: Readonly<Record<TpmHierarchy, string>> = {
  owner:
    'It removes or redefines the counter and the extend index of the ledger, and the storage ' +
    'root key; nothing in daily use needs it.',
  lockout:
    'It clears the whole TPM, and sets its protection against guessing; nothing in daily use ' +
    'needs it.',
};

/** What is handed over, each in a file of its own. */
export type HandoverName = TpmHierarchy | 'token-officer' | 'boot-approval';

/** `STATE/handover/owner.age`. */
export function handoverFile(state: string, name: HandoverName): string {
  return join(state, 'handover', `${name}.age`);
}

/** A letter to the operators, durable on return; its file. @throws the system's own error */
export function writeLetter(
  to: { readonly state: string; readonly recipients: readonly AgeRecipient[] },
  name: HandoverName,
  letter: string,
): string {
  makeFolder(join(to.state, 'handover'), 0o700);
  // A run that was killed may have made it, and not made its name durable.
  syncFolder(to.state);
  const file = handoverFile(to.state, name);
  writeDurably(file, encryptToPeople(Buffer.from(letter), to.recipients));
  return file;
}

/**
 * The files, all of whose authorisations are set.
 * @throws KudurruError `authorisation-foreign`, `state-folder-unusable`, and DeviceError
 */
export async function handOver(options: HandoverOptions): Promise<readonly string[]> {
  const { state, alreadySet, device, timeoutMs } = options;
  const files = [];
  for (const hierarchy of TPM_HIERARCHIES) {
    const file = handoverFile(state, hierarchy);
    files.push(file);
    if (alreadySet.includes(hierarchy)) {
      requireOurs(file, hierarchy);
      continue;
    }
    const value = new Uint8Array(randomBytes(valueSizeBytes));
    const letter = letterOf({ ...options, hierarchy, value });
    writeLetter(options, hierarchy, letter);
    await device.setAuthorisation({ hierarchy, value }, timeoutMs);
  }
  return files;
}

/** Somebody set it: with our file beside it, that was us, and the answer was lost in a crash. */
function requireOurs(file: string, hierarchy: TpmHierarchy): void {
  if (existsSync(file)) return;
  throw new KudurruError(
    'authorisation-foreign',
    `${hierarchy} authorisation not handed over: it was set before this ledger was provisioned, ` +
      'and whoever did that can take the counter away; clear the TPM in the firmware, or use ' +
      'another one',
  );
}

function letterOf(what: {
  readonly hierarchy: TpmHierarchy;
  readonly value: Uint8Array;
  readonly ledgerId: Uint8Array;
}): string {
  const { hierarchy, value, ledgerId } = what;
  return [
    `TPM ${hierarchy} authorisation of a Kudurru appliance`,
    '',
    `ledger         ${encodeHex(ledgerId)}`,
    `authorisation  hex:${encodeHex(value)}`,
    '',
    purposes[hierarchy],
    'It is nowhere on the box: keep it away from there.',
    'tpm2-tools take it as it stands (-P hex:…).',
    '',
  ].join('\n');
}
