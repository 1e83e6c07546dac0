/**
 * An approved boot as a TPM policy (TPM 2.0 Part 3 §23.7 and §23.16), computed without a TPM: the
 * same bytes are signed away from the box.
 */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

import type { BootApproval, PcrValue } from '../boot-approval.ts';

const pcrsMax = 24;
/** TPM_CC_PolicyPCR, then one TPMS_PCR_SELECTION: SHA-256, three bytes of bits. */
const policyPcrStart = Buffer.from('0000017f00000001000b03', 'hex');

/** Ties an approval to one purpose and one ledger. */
export function pinPolicyRef(ledgerId: Uint8Array): Uint8Array {
  return sha256(Buffer.from('kudurru/token-pin/1\0'), ledgerId);
}

/** Digest of the policy that holds in this boot alone (Part 3 §23.7). */
export function bootPolicy(values: readonly PcrValue[]): Uint8Array {
  const selection = Buffer.alloc(pcrsMax / 8);
  for (const { pcr } of values) selection[pcr >> 3] = (selection[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  const shown = sha256(...values.map(({ value }) => value));
  return sha256(Buffer.alloc(32), policyPcrStart, selection, shown);
}

/** What the approving key signs (Part 3 §23.16: aHash is the SHA-256 of these bytes). */
export function approvalMessage(ledgerId: Uint8Array, values: readonly PcrValue[]): Uint8Array {
  return Buffer.concat([bootPolicy(values), pinPolicyRef(ledgerId)]);
}

/** `approvalKey` is a point of P-256: x ‖ y, 64 bytes. */
export function isApproved(
  { values, signature }: BootApproval,
  by: { readonly ledgerId: Uint8Array; readonly approvalKey: Uint8Array },
): boolean {
  const key = keyOf(by.approvalKey);
  if (key === null) return false;
  const message = approvalMessage(by.ledgerId, values);
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** Null where it is no point of the curve. */
function keyOf(point: Uint8Array): KeyObject | null {
  const coordinate = (from: number): string =>
    Buffer.from(point.subarray(from, from + 32)).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(0), y: coordinate(32) };
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return null;
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const made = createHash('sha256');
  for (const part of parts) made.update(part);
  return Uint8Array.from(made.digest());
}
