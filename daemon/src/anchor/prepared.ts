/**
 * An anchor under way, as its prepare records have it. The first record is the plan. The second
 * holds all that D is made of and what the TPM signed for it, and is durable before PCR and index
 * are extended: from then on this anchor is finished with the very same D, because the TPM may
 * show it. After a reset of the TPM another second record follows, with the same evidence.
 */
import {
  decodeCbor,
  encodeCbor,
  isCborArray,
  parseAttest,
  type CborArray,
  type CborValue,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Attestation } from '../hardware/attestation.ts';
import { decodePlan, planItems, planItemsCount, planOfItems, type AnchorPlan } from './plan.ts';
import type { TpmMoment } from './tpm-boot.ts';

/** Time evidence, and what it was computed of (SPEC.md §9.4); null where there is nothing. */
export interface AnchorEvidence {
  readonly evidence: Uint8Array;
  readonly rawEvidence: Uint8Array | null;
}

/** Evidence of time, and what the TPM signed around it: L, R and N, of one TPM boot. */
export interface AttestedAnchor extends AnchorEvidence {
  readonly left: Attestation;
  readonly right: Attestation;
  readonly counter: Attestation;
}

/** What the second prepare record adds to the plan. */
export interface BoundAnchor extends AttestedAnchor {
  /** Of the anchor PCR before it is extended with D, in the TPM boot of L, R and N. */
  readonly pcrFrom: Uint8Array;
  /** Of the extend index before the increment is extended into it. */
  readonly extendFrom: Uint8Array;
}

export interface PreparedAnchor {
  readonly plan: AnchorPlan;
  /** Null before the second record. */
  readonly bound: BoundAnchor | null;
}

/** With the bytes that the time evidence was computed of, and without. */
const versions = { withRaw: 3, withoutRaw: 2 } as const;
const boundItemsCount = planItemsCount + 6;
const registerSizeBytes = 32;

/** When N was attested: the TPM boot is that of L and R too. */
export function momentOfBound(bound: BoundAnchor): TpmMoment {
  return parseAttest(bound.counter.attest).clock;
}

/** The second prepare record. */
export function encodeBound(plan: AnchorPlan, bound: BoundAnchor): Uint8Array {
  const { evidence, rawEvidence, left, right, counter, pcrFrom, extendFrom } = bound;
  return encodeCbor([
    rawEvidence === null ? versions.withoutRaw : versions.withRaw,
    ...planItems(plan),
    evidence,
    ...[left, right, counter].map(({ attest, signature }) => [attest, signature]),
    pcrFrom,
    extendFrom,
    ...(rawEvidence === null ? [] : [rawEvidence]),
  ]);
}

/** Either prepare record. @throws KudurruError `ledger-failed` */
export function decodePrepared(bytes: Uint8Array): PreparedAnchor {
  const items = decodeCbor(bytes);
  if (!isCborArray(items)) throw unreadable();
  const { withRaw, withoutRaw } = versions;
  if (items[0] !== withRaw && items[0] !== withoutRaw) {
    return { plan: decodePlan(bytes), bound: null };
  }
  const rawCount = items[0] === withRaw ? 1 : 0;
  if (items.length !== boundItemsCount + rawCount) throw unreadable();
  return { plan: planOfItems(items.slice(1, planItemsCount)), bound: boundOf(items) };
}

function boundOf(items: CborArray): BoundAnchor {
  const [evidence, left, right, counter, pcrFrom, extendFrom, raw] = items.slice(planItemsCount);
  return {
    evidence: bytesOf(evidence),
    rawEvidence: raw === undefined ? null : bytesOf(raw),
    left: attestationOf(left),
    right: attestationOf(right),
    counter: attestationOf(counter),
    pcrFrom: registerOf(pcrFrom),
    extendFrom: registerOf(extendFrom),
  };
}

function attestationOf(value: CborValue | undefined): Attestation {
  if (value === undefined || !isCborArray(value) || value.length !== 2) throw unreadable();
  return { attest: bytesOf(value[0]), signature: bytesOf(value[1]) };
}

function registerOf(value: CborValue | undefined): Uint8Array {
  const register = bytesOf(value);
  if (register.length !== registerSizeBytes) throw unreadable();
  return register;
}

function bytesOf(value: CborValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unreadable();
  return value.slice();
}

function unreadable(): KudurruError {
  return new KudurruError('ledger-failed', 'prepare record not understood: it is of no known form');
}
