/**
 * What is kept of a sealed PIN beside the TPM's keys: the sealed objects, which only this TPM opens
 * and only in approved boots, the key that approves, and the approvals. One JSON file, bytes in
 * base64, replaced as a whole. The parser is strict, and any byte that changed is an error.
 *
 * `prepared`: the PINs exist, and the token may have been initialised with them or not; the
 * security officer's is sealed beside, to go on with. `finished`: the user's PIN alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { checkedJson, checkedJsonText } from '../../base/checked-json.ts';
import { reasonOf } from '../../base/errors.ts';
import { writeDurably } from '../../base/write-durably.ts';
import type { BootApproval, PcrValue } from '../boot-approval.ts';
import { DeviceError } from '../device-error.ts';
import type { SealedParts } from './tpm-sealing.ts';

interface CommonState {
  readonly ledgerId: Uint8Array;
  /** P-256, x ‖ y. */
  readonly approvalKey: Uint8Array;
  readonly userPin: SealedParts;
  /** Newest first. */
  readonly approvals: readonly BootApproval[];
}
export interface PreparedPin extends CommonState {
  readonly stage: 'prepared';
  readonly officerPin: SealedParts;
}
export interface FinishedPin extends CommonState {
  readonly stage: 'finished';
  readonly tokenSerial: string;
}
export type TokenPinState = PreparedPin | FinishedPin;

/** More boots than a box is updated to while a firmware is in use; older ones are dropped. */
export const approvalsMax = 32;

const version = 1;
/** 32 approvals of 24 PCRs each are 100 KB of text. */
const textLengthMax = 262_144;
const ledgerIdSizeBytes = 32;
/** What a TPM makes of 32 bytes, with room. */
const sealedSizeBytesMax = 1024;
/** CK_TOKEN_INFO has 16 bytes for it. */
const serialLengthMax = 16;
const fileName = 'token-pin.json';
const pointSizeBytes = 64;
const valueSizeBytes = 32;
const signatureSizeBytes = 64;
const pcrMax = 23;

export function tokenPinFile(folder: string): string {
  return join(folder, fileName);
}

/** Undefined where no PIN is sealed. @throws DeviceError `device-state-unreadable` */
export function readTokenPin(folder: string): TokenPinState | undefined {
  const path = tokenPinFile(folder);
  try {
    return parseTokenPin(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

/** @throws DeviceError `device-state-unreadable` where the folder cannot be written */
export function writeTokenPin(folder: string, state: TokenPinState): void {
  const path = tokenPinFile(folder);
  try {
    writeDurably(path, encodeTokenPin(state));
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function encodeTokenPin(state: TokenPinState): string {
  const { stage, ledgerId, approvalKey, userPin, approvals } = state;
  return checkedJsonText({
    version,
    stage,
    ledgerId: toBase64(ledgerId),
    approvalKey: toBase64(approvalKey),
    userPin: partsText(userPin),
    ...(state.stage === 'prepared'
      ? { officerPin: partsText(state.officerPin) }
      : { tokenSerial: state.tokenSerial }),
    approvals: approvals.map(({ values, signature }) => ({
      values: values.map(({ pcr, value }) => ({ pcr, value: toBase64(value) })),
      signature: toBase64(signature),
    })),
  });
}

/** Throws a plain Error that says which field is wrong. */
export function parseTokenPin(text: string): TokenPinState {
  if (text.length > textLengthMax) throw new Error('it is longer than any that was written');
  const members = new Members(checkedJson(text), 'file');
  if (members.take('version') !== version) throw new Error('it is of an unknown version');
  const stage = members.take('stage');
  const common = {
    ledgerId: members.bytes('ledgerId', ledgerIdSizeBytes),
    approvalKey: members.bytes('approvalKey', pointSizeBytes),
    userPin: partsFrom(members.members('userPin')),
    approvals: approvalsFrom(members.list('approvals')),
  };
  const state = stageFrom(stage, common, members);
  members.end();
  return state;
}

function stageFrom(stage: unknown, common: CommonState, members: Members): TokenPinState {
  if (stage === 'prepared') {
    return { ...common, stage, officerPin: partsFrom(members.members('officerPin')) };
  }
  if (stage !== 'finished') throw new Error('its stage is unknown');
  const tokenSerial = members.text('tokenSerial');
  if (tokenSerial.length <= serialLengthMax) return { ...common, stage, tokenSerial };
  throw new Error(`field 'tokenSerial' has more than ${serialLengthMax} characters`);
}

function partsText({ publicArea, privatePart }: SealedParts): Record<string, string> {
  return { publicArea: toBase64(publicArea), privatePart: toBase64(privatePart) };
}

function partsFrom(members: Members): SealedParts {
  const parts = {
    publicArea: members.bytes('publicArea'),
    privatePart: members.bytes('privatePart'),
  };
  members.end();
  for (const [name, { length }] of Object.entries(parts)) {
    if (length >= 1 && length <= sealedSizeBytesMax) continue;
    throw new Error(`field '${name}' has ${length} bytes, not 1 to ${sealedSizeBytesMax}`);
  }
  return parts;
}

function approvalsFrom(list: readonly unknown[]): BootApproval[] {
  if (list.length === 0 || list.length > approvalsMax) {
    throw new Error(`field 'approvals' has not 1 to ${approvalsMax} members`);
  }
  return list.map((item) => {
    const members = new Members(item, 'approvals');
    const values = members.list('values').map(valueFrom);
    const signature = members.bytes('signature', signatureSizeBytes);
    members.end();
    const isOrdered = values.every(({ pcr }, place) => pcr > (values[place - 1]?.pcr ?? -1));
    if (values.length > 0 && isOrdered) return { values, signature };
    throw new Error("field 'values' does not name PCRs in ascending order");
  });
}

function valueFrom(item: unknown): PcrValue {
  const members = new Members(item, 'values');
  const pcr = members.take('pcr');
  const value = members.bytes('value', valueSizeBytes);
  members.end();
  if (typeof pcr === 'number' && Number.isInteger(pcr) && pcr >= 0 && pcr <= pcrMax) {
    return { pcr, value };
  }
  throw new Error("field 'pcr' is not the number of a PCR");
}

/** The members of a JSON object, each taken once. */
class Members {
  readonly #left: Map<string, unknown>;
  readonly #of: string;

  constructor(value: unknown, of: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error(`field '${of}' is not an object`);
    }
    this.#left = new Map(Object.entries(value));
    this.#of = of;
  }

  take(name: string): unknown {
    const value = this.#left.get(name);
    if (this.#left.delete(name)) return value;
    throw new Error(`field '${name}' is missing`);
  }

  text(name: string): string {
    const value = this.take(name);
    if (typeof value === 'string') return value;
    throw new Error(`field '${name}' is not text`);
  }

  bytes(name: string, sizeBytes?: number): Uint8Array {
    const text = this.text(name);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') !== text) throw new Error(`field '${name}' is not base64`);
    if (sizeBytes === undefined || bytes.length === sizeBytes) return Uint8Array.from(bytes);
    throw new Error(`field '${name}' has ${bytes.length} bytes, not ${sizeBytes}`);
  }

  list(name: string): readonly unknown[] {
    const value = this.take(name);
    if (Array.isArray(value)) return value;
    throw new Error(`field '${name}' is not a list`);
  }

  members(name: string): Members {
    return new Members(this.take(name), name);
  }

  end(): void {
    const [unknown] = this.#left.keys();
    if (unknown !== undefined) throw new Error(`field '${unknown}' of '${this.#of}' is unknown`);
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function unreadable(path: string, error: unknown): DeviceError {
  return new DeviceError(
    'device-state-unreadable',
    `sealed PIN '${path}' not usable: ${reasonOf(error)}`,
    { cause: error },
  );
}
