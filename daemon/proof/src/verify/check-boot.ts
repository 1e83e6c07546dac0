/** Boot entries: what the TPM quoted of the box as this run found it (SPEC.md §7.5). */
import { bootQualifier, pcrDigest } from '../anchor.ts';
import { equalBytes } from '../bytes.ts';
import type { Attested } from '../tpm-attest.ts';
import { qualifiedNameUnderEk, TPM_ALG } from '../tpm-public.ts';
import type { Boot, Evidence } from './evidence.ts';
import { mustHold, skipped } from './finding.ts';

/** Each quote is by the AK, of this boot entry, and of the values beside it. */
export async function checkBootQuotes(evidence: Evidence): Promise<string> {
  const quoted = evidence.boots.filter(({ attest }) => attest !== null);
  if (quoted.length === 0) throw skipped('no boot entry here has a quote');
  await Promise.all(quoted.map((boot) => checkQuote(evidence, boot)));
  const places = quoted.map(({ item }) => String(item.index)).join(', ');
  return `the TPM quoted its PCRs for boot entry ${places}`;
}

async function checkQuote({ genesis, signatures }: Evidence, { item, attest }: Boot) {
  const { bootQuote, bootNumber, kernelBootId } = item.entry;
  if (bootQuote === null || attest === null) return;
  const { ledgerId, applianceId, ak, ek, document } = genesis;
  const place = `the quote of boot entry ${item.index}`;
  const identity = { ledgerId, applianceId, bootNumber, kernelBootId };
  mustHold(
    equalBytes(attest.extraData, bootQualifier(identity)),
    `${place} attests something else than this boot`,
  );
  mustHold(
    equalBytes(attest.qualifiedSigner, qualifiedNameUnderEk(ek, ak)),
    `${place} is not by the AK of this EK`,
  );
  const pcrs = bootQuote.values.map(({ pcr }) => pcr);
  mustHold(
    isQuoteOf(attest.attested, pcrs),
    `${place} is not of the PCRs ${pcrs.join(', ')} of the SHA-256 bank`,
  );
  const digest = pcrDigest(bootQuote.values.map(({ value }) => value));
  mustHold(
    equalBytes(attest.attested.pcrDigest, digest),
    `${place} is of other values than those beside it`,
  );
  const { pcrIndex } = document;
  mustHold(
    pcrIndex === null || pcrs.includes(pcrIndex),
    `${place} leaves out PCR ${pcrIndex}, which anchors extend`,
  );
  const key = { algorithm: 'ESP256', bytes: ak.point } as const;
  const { signature, attest: message } = bootQuote;
  mustHold(await signatures.check({ key, message, signature }), `${place} is not signed by the AK`);
}

/** Of these PCRs in the SHA-256 bank, and of no others. */
export function isQuoteOf(
  attested: Attested,
  pcrs: readonly number[],
): attested is Attested & { type: 'quote' } {
  if (attested.type !== 'quote' || attested.selections.length !== 1) return false;
  const [selection] = attested.selections;
  return (
    selection?.hashAlgorithm === TPM_ALG.sha256 &&
    selection.pcrs.length === pcrs.length &&
    selection.pcrs.every((pcr, i) => pcr === pcrs[i])
  );
}
