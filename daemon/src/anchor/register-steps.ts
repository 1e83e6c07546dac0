/**
 * What an anchor does to the TPM's registers, and what they may show before, while and after it is
 * made. Pure: the log's side of every comparison with the TPM.
 */
import { anchorDigest, encodeHex, equalBytes, extendData, extended, sha256 } from '@kudurru/proof';

import type { Extension, Registers } from '../hardware/anchor-registers.ts';
import type { Contradiction } from './contradiction.ts';
import type { AnchorPlan } from './plan.ts';
import { momentOfBound, type BoundAnchor, type PreparedAnchor } from './prepared.ts';
import { isSameTpmBoot, type TpmBoot } from './tpm-boot.ts';

export interface AnchorIdentity {
  readonly ledgerId: Uint8Array;
  readonly applianceId: Uint8Array;
}

/** An extension with the value that it leads to. */
export interface RegisterStep extends Extension {
  readonly to: Uint8Array;
}

/** What finished anchors lead to. */
export interface ReplayedRegisters {
  readonly counter: bigint;
  /** In the present TPM boot; null where nothing of this TPM boot is in the log. */
  readonly pcr: Uint8Array | null;
  /** Null where the TPM was provisioned without. */
  readonly extend: Uint8Array | null;
}

/** D of SPEC.md §9. */
export function digestOf(
  identity: AnchorIdentity,
  plan: AnchorPlan,
  evidence: Uint8Array,
): Uint8Array {
  const { ledgerId, applianceId } = identity;
  return anchorDigest({ ledgerId, applianceId, ...plan, evidenceHash: sha256(evidence) });
}

export function pcrStep(from: Uint8Array, digest: Uint8Array): RegisterStep {
  return { from, data: digest, to: extended(from, digest) };
}

/** Null in an anchor that does not count. */
export function extendStep(
  plan: AnchorPlan,
  from: Uint8Array,
  digest: Uint8Array,
): RegisterStep | null {
  if (plan.kind !== 'counter-anchor') return null;
  const data = extendData(plan.counterExpected, digest);
  return { from, data, to: extended(from, data) };
}

/** What `registers` show and neither the log nor the anchor under way leads to. */
export function contradictionsOf(
  registers: Registers,
  replayed: ReplayedRegisters,
  underWay: UnderWay | null,
): Contradiction[] {
  const counters = countersOf(replayed, underWay?.prepared ?? null);
  const found: Contradiction[] = [];
  if (!counters.includes(registers.counter)) {
    const wanted = counters.map(String);
    found.push({ kind: 'counter', found: String(registers.counter), wanted });
  }
  if (replayed.extend !== null) {
    const allowed = [replayed.extend, ...extendedBy(underWay)];
    found.push(...differing('extend-index', registers.extend, allowed));
  }
  found.push(...pcrContradictions(registers, replayed, underWay));
  return found;
}

/** The same of the anchor PCR alone. */
export function pcrContradictions(
  shown: { readonly clock: TpmBoot; readonly pcr: Uint8Array | null },
  replayed: ReplayedRegisters,
  underWay: UnderWay | null,
): Contradiction[] {
  if (replayed.pcr === null) return [];
  const allowed = [replayed.pcr, ...pcrExtendedBy(underWay, shown.clock)];
  return differing('pcr', shown.pcr, allowed);
}

/** An anchor under way; `identity` is what its D is made with. */
export interface UnderWay {
  readonly prepared: PreparedAnchor;
  readonly identity: AnchorIdentity;
}

function countersOf({ counter }: ReplayedRegisters, prepared: PreparedAnchor | null): bigint[] {
  if (prepared === null) return [counter];
  const { plan, bound } = prepared;
  // N has certified the value; before that the increment was made, or was not.
  if (bound !== null || plan.counterExpected === counter) return [plan.counterExpected];
  return [counter, plan.counterExpected];
}

function extendedBy(underWay: UnderWay | null): Uint8Array[] {
  const { plan, bound } = underWay?.prepared ?? {};
  if (underWay === null || plan === undefined || !bound) return [];
  const step = extendStep(plan, bound.extendFrom, digestUnder(underWay, plan, bound));
  return step === null ? [] : [step.to];
}

function pcrExtendedBy(underWay: UnderWay | null, tpmBoot: TpmBoot): Uint8Array[] {
  const { plan, bound } = underWay?.prepared ?? {};
  if (underWay === null || plan === undefined || !bound) return [];
  if (!isSameTpmBoot(momentOfBound(bound), tpmBoot)) return [];
  return [pcrStep(bound.pcrFrom, digestUnder(underWay, plan, bound)).to];
}

function digestUnder({ identity }: UnderWay, plan: AnchorPlan, bound: BoundAnchor): Uint8Array {
  return digestOf(identity, plan, bound.evidence);
}

function differing(
  kind: Contradiction['kind'],
  shown: Uint8Array | null,
  allowed: readonly Uint8Array[],
): Contradiction[] {
  if (shown !== null && allowed.some((value) => equalBytes(value, shown))) return [];
  const found = shown === null ? 'nothing' : encodeHex(shown);
  return [{ kind, found, wanted: allowed.map(encodeHex) }];
}
