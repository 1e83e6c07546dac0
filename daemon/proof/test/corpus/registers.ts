/** An appliance whose anchors extend a PCR and, where they count, an index (SPEC.md §9). */
import { anchorDigest, extendQualifier, quoteQualifier } from '../../src/anchor.ts';
import { concatBytes, encodeU64, encodeUtf8 } from '../../src/bytes.ts';
import type { Entry } from '../../src/entry.ts';
import { applianceIdOf, ledgerIdOf } from '../../src/identifier.ts';
import { HASH_SIZE_BYTES, sha256 } from '../../src/sha256.ts';
import type { AnchorDraft, Flaws } from './flaws.ts';
import type { CorpusLedger } from './ledger.ts';
import type { SoftwareTpm } from './software-tpm.ts';
import { ANCHOR_PCR } from './software-tpm.ts';

export interface Registers {
  readonly pcrIndex?: number | null;
  readonly withExtend?: boolean;
  /** Of the extend index that a counter-anchor certifies. */
  readonly extendSizeBytes?: number;
  readonly withBootQuote?: boolean;
  /** Does something else to the registers than the anchor says. */
  readonly extendBy?: (ledger: CorpusLedger, draft: AnchorDraft, digest: Uint8Array) => unknown;
}

/** `flaws`, and a PCR and an extend index that anchors extend, quote and certify. */
export function withRegisters(flaws: Flaws = {}, registers: Registers = {}): Flaws {
  const { pcrIndex = ANCHOR_PCR, withExtend = true } = registers;
  const boots = new BootQuotes();
  return {
    ...flaws,
    entry(entry, index) {
      const own = registers.withBootQuote === false ? entry : boots.quote(entry);
      return flaws.entry?.(own, index) ?? own;
    },
    document(document, tpm) {
      const extendPublic = withExtend ? tpm.extendPublic : null;
      const own = { ...document, pcrIndex, extendPublic };
      boots.tpm = tpm;
      return flaws.document?.(own, tpm) ?? own;
    },
    anchor(draft, index, ledger) {
      const extended = extend(draft, ledger, { pcrIndex, withExtend, ...registers });
      return flaws.anchor?.(extended, index, ledger) ?? extended;
    },
  };
}

/** PCRs of the firmware, of its settings, and that of the anchors. */
const BOOT_PCRS = [0, 7, ANCHOR_PCR];

/** Gives each boot entry the quote that the TPM makes of it. */
class BootQuotes {
  tpm: SoftwareTpm | null = null;
  #ledgerId: Uint8Array = new Uint8Array(0);
  #applianceId: Uint8Array = new Uint8Array(0);

  quote(entry: Entry): Entry {
    if (entry.kind === 'genesis') {
      this.#ledgerId = ledgerIdOf(entry.provisioningRecord);
      this.#applianceId = applianceIdOf(entry.applianceDocument);
    }
    if (entry.kind !== 'boot' || this.tpm === null) return entry;
    const { bootNumber, kernelBootId } = entry;
    const number = encodeU64(BigInt(bootNumber));
    const domain = encodeUtf8('kudurru/B/1\0');
    const data = sha256(domain, this.#ledgerId, this.#applianceId, number, kernelBootId);
    const { tpm } = this;
    const { attest, signature } = tpm.quote(data, BOOT_PCRS, 'boot');
    const values = BOOT_PCRS.map((pcr) => ({ pcr, value: tpm.pcrValue(pcr) }));
    return { ...entry, bootQuote: { attest, signature, values } };
  }
}

function extend(draft: AnchorDraft, ledger: CorpusLedger, registers: Registers): AnchorDraft {
  const { ledgerId, applianceId, tpm } = ledger;
  if (draft.anchorSequence === 0n) tpm.extendValue = extendBase(ledgerId);
  const evidenceHash = sha256(draft.evidence);
  const digest = anchorDigest({ ...draft, ledgerId, applianceId, evidenceHash });
  const counts = draft.kind === 'counter-anchor' ? draft.counterExpected : null;
  if (registers.extendBy === undefined) tpm.extendBy(digest, counts);
  else registers.extendBy(ledger, draft, digest);
  const { attest } = draft.counter;
  const certifies = counts !== null && registers.withExtend === true;
  return {
    ...draft,
    quote: registers.pcrIndex === null ? null : tpm.quote(quoteQualifier(attest)),
    extend: certifies
      ? tpm.certifyExtend(extendQualifier(attest), registers.extendSizeBytes)
      : null,
  };
}

/** What the extend index of the ledger `ledgerId` holds before the first anchor. */
function extendBase(ledgerId: Uint8Array): Uint8Array {
  const founding = sha256(concatBytes(encodeUtf8('kudurru/extend/1\0'), ledgerId));
  return sha256(new Uint8Array(HASH_SIZE_BYTES), founding);
}
