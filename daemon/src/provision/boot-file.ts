/**
 * A boot that asks to be approved, and one that was, as files that people carry between the box and
 * the place where the approving key is: JSON, bytes in hexadecimal.
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';

import { decodeHex, encodeHex, equalBytes } from '@kudurru/proof';

import { KudurruError, wrapError } from '../base/errors.ts';
import { approvalMessage, isApproved } from '../hardware/backends/boot-policy.ts';
import type { BootApproval, PcrValue } from '../hardware/boot-approval.ts';
import { pointOf } from './approval-key.ts';

export interface RequestedBoot {
  readonly ledgerId: Uint8Array;
  /** Of the key that is asked for: x ‖ y. */
  readonly approvalKey: Uint8Array;
  /** Ascending by PCR. */
  readonly values: readonly PcrValue[];
}

export type ApprovedBoot = RequestedBoot & BootApproval;

const requestForm = 'kudurru boot';
const approvalForm = 'kudurru approved boot';
const fileSizeBytesMax = 65_536;
const pcrMax = 23;
const hashSizeBytes = 32;
const pairSizeBytes = 64;

export function requestText(boot: RequestedBoot): string {
  return `${JSON.stringify({ version: 1, form: requestForm, ...members(boot) }, null, 2)}\n`;
}

export function approvalText(boot: ApprovedBoot): string {
  const all = { version: 1, form: approvalForm, ...members(boot) };
  return `${JSON.stringify({ ...all, signature: encodeHex(boot.signature) }, null, 2)}\n`;
}

/** @throws KudurruError `approval-invalid` */
export function parseRequest(text: string): RequestedBoot {
  const { version, form, ...rest } = objectIn(text);
  if (version !== 1 || form !== requestForm) throw malformed(`its form is not "${requestForm}"`);
  return bootOf(rest);
}

/** Its signature is checked. @throws KudurruError `approval-invalid` */
export function parseApproval(text: string): ApprovedBoot {
  const { version, form, signature, ...rest } = objectIn(text);
  if (version !== 1 || form !== approvalForm) throw malformed(`its form is not "${approvalForm}"`);
  const boot = { ...bootOf(rest), signature: bytesOf('signature', signature, pairSizeBytes) };
  if (isApproved(boot, boot)) return boot;
  throw malformed('its signature is not of the key that it names');
}

/**
 * Signed with the key in the letter of the provisioning, or a PEM file with it alone.
 * @throws KudurruError `approval-invalid`
 */
export function approve(boot: RequestedBoot, letter: string): ApprovedBoot {
  const key = privateKeyIn(letter);
  if (!equalBytes(pointOf(key), boot.approvalKey)) {
    throw malformed('the key is another than the one that the box asks for');
  }
  const message = approvalMessage(boot.ledgerId, boot.values);
  const signature = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  return { ...boot, signature: Uint8Array.from(signature) };
}

function privateKeyIn(letter: string): KeyObject {
  const [pem] = /-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----/u.exec(letter) ?? [];
  if (pem === undefined) {
    throw malformed('the key file has no private key: open the letter first (age -d)');
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch (cause) {
    throw wrapError('approval-invalid', 'boot not approved: the key file is damaged', cause);
  }
  throw malformed('the key is not of P-256');
}

function members({ ledgerId, approvalKey, values }: RequestedBoot): Record<string, unknown> {
  return {
    ledgerId: encodeHex(ledgerId),
    approvalKey: encodeHex(approvalKey),
    pcrs: values.map(({ pcr, value }) => ({ pcr, value: encodeHex(value) })),
  };
}

function objectIn(text: string): Record<string, unknown> {
  if (text.length > fileSizeBytesMax) throw malformed(`it has more than ${fileSizeBytesMax} bytes`);
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw wrapError('approval-invalid', 'boot not approved: the file is not JSON', cause);
  }
  throw malformed('it is no JSON object');
}

function bootOf(fields: Readonly<Record<string, unknown>>): RequestedBoot {
  const { ledgerId, approvalKey, pcrs, ...others } = fields;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw malformed(`its member "${unknown}" is unknown`);
  if (!Array.isArray(pcrs) || pcrs.length === 0) throw malformed('"pcrs" is not a list of PCRs');
  const values = pcrs.map(valueOf);
  const isOrdered = values.every(({ pcr }, place) => pcr > (values[place - 1]?.pcr ?? -1));
  if (!isOrdered) throw malformed('"pcrs" does not ascend');
  return {
    ledgerId: bytesOf('ledgerId', ledgerId, hashSizeBytes),
    approvalKey: bytesOf('approvalKey', approvalKey, pairSizeBytes),
    values,
  };
}

function valueOf(item: unknown): PcrValue {
  if (!isObject(item)) throw malformed('a member of "pcrs" is no object');
  const { pcr, value, ...others } = item;
  const isPcr = typeof pcr === 'number' && Number.isInteger(pcr) && pcr >= 0 && pcr <= pcrMax;
  if (!isPcr || Object.keys(others).length > 0) throw malformed('a member of "pcrs" is no PCR');
  return { pcr, value: bytesOf('value', value, hashSizeBytes) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bytesOf(name: string, value: unknown, sizeBytes: number): Uint8Array {
  const pattern = /^(?:[0-9a-f]{2})+$/u;
  if (typeof value === 'string' && value.length === 2 * sizeBytes && pattern.test(value)) {
    return decodeHex(value);
  }
  throw malformed(`"${name}" is not ${sizeBytes} bytes in lower-case hexadecimal`);
}

function malformed(reason: string): KudurruError {
  return new KudurruError('approval-invalid', `boot not approved: ${reason}`);
}
