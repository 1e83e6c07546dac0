/**
 * The TPM's quote of the box as it is now, for a boot entry (SPEC.md §7.5): its PCRs in order, the
 * one that anchors extend among them.
 */
import { bootQualifier, encodeHex, equalBytes, parseAttest, type EntryOf } from '@kudurru/proof';

import type { AnchorRegisters } from '../hardware/anchor-registers.ts';
import type { AnchorIdentity } from './register-steps.ts';
import type { QuotedBoot } from './start-rule.ts';

export type BootQuote = NonNullable<EntryOf<'boot'>['bootQuote']>;

export interface BootQuoterOptions {
  readonly device: Pick<AnchorRegisters, 'quote'>;
  readonly identity: AnchorIdentity;
  /** Besides the anchor PCR; in any order. */
  readonly pcrs: readonly number[];
  readonly anchorPcr: number | null;
  readonly deviceTimeoutMs: number;
}

export interface QuotedBox {
  readonly quote: BootQuote;
  readonly quoted: QuotedBoot;
}

/** @throws DeviceError */
export async function quoteBoot(
  options: BootQuoterOptions,
  boot: { readonly bootNumber: number; readonly kernelBootId: Uint8Array },
): Promise<QuotedBox> {
  const { device, identity, anchorPcr, deviceTimeoutMs } = options;
  const wanted = new Set([...options.pcrs, ...(anchorPcr === null ? [] : [anchorPcr])]);
  const pcrs = [...wanted].sort((one, other) => one - other);
  const qualifyingData = bootQualifier({ ...identity, ...boot });
  const made = await device.quote({ pcrs, qualifyingData }, deviceTimeoutMs);
  const { attest, signature } = made;
  const values = pcrs.map((pcr, place) => ({
    pcr,
    value: made.values[place] ?? new Uint8Array(),
  }));
  return { quote: { attest, signature, values }, quoted: quotedOf({ attest, values }, anchorPcr) };
}

/** What the quote of a boot entry says to anchors. @throws ProofError of an attest of no form */
export function quotedOf(
  { attest, values }: Pick<BootQuote, 'attest' | 'values'>,
  anchorPcr: number | null,
): QuotedBoot {
  const { clock } = parseAttest(attest);
  const pcr = values.find((each) => each.pcr === anchorPcr)?.value ?? null;
  return { moment: clock, pcr };
}

/** How the box was found, against its first boot entry. */
export type BootState =
  | { readonly kind: 'as-provisioned' }
  /** Differs, and the operators have approved it. */
  | { readonly kind: 'approved'; readonly pcrs: readonly number[] }
  | { readonly kind: 'differs'; readonly pcrs: readonly number[] }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Compares what both quoted; the anchor PCR is never the same. */
export function compareBootQuotes(
  first: BootQuote | null,
  now: BootQuote,
  anchorPcr: number | null,
): BootState {
  if (first === null) return { kind: 'unknown', reason: 'the first boot entry has no quote' };
  const before = new Map(first.values.map(({ pcr, value }) => [pcr, value]));
  const compared = now.values.filter(({ pcr }) => pcr !== anchorPcr);
  const pcrs = compared.filter(({ pcr, value }) => {
    const then = before.get(pcr);
    return then !== undefined && !equalBytes(then, value);
  });
  if (pcrs.length > 0) return { kind: 'differs', pcrs: pcrs.map(({ pcr }) => pcr) };
  const unseen = compared.filter(({ pcr }) => !before.has(pcr)).map(({ pcr }) => pcr);
  if (unseen.length === 0) return { kind: 'as-provisioned' };
  return { kind: 'unknown', reason: `the first boot entry has no PCR ${unseen.join(', ')}` };
}

/** For the log's line. */
export function tellBootQuote({ values }: BootQuote): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map(({ pcr, value }) => [`pcr${pcr}`, encodeHex(value)]));
}
