/**
 * Replay: what the anchors of the bundle did to the PCR and the extend index leads to what the TPM
 * quoted and certified of them (SPEC.md §9). An anchor taken out of the sequence, or made in
 * another history at the same value of the counter, leaves its mark. A bundle has not all anchors
 * and boot entries: only what follows from a value that is here is compared. `replay.ts` does it
 * over a log.
 */
import { anchorDigest, extendBase, extendData, extended, pcrDigest } from '../anchor.ts';
import { equalBytes } from '../bytes.ts';
import { sha256 } from '../sha256.ts';
import type { TpmClockInfo } from '../tpm-attest.ts';
import type { Anchor, Boot, Evidence, Restore } from './evidence.ts';
import { mustHold, skipped } from './finding.ts';
import { compareBoots } from './replay.ts';

export function checkAnchorReplay({ anchors, boots, restores, genesis }: Evidence): string {
  const replay = new BundleReplay(genesis);
  const steps = [
    ...boots.map((boot) => ({ at: boot.item.index, run: () => replay.boot(boot) })),
    ...anchors.map((anchor) => ({ at: anchor.item.index, run: () => replay.anchor(anchor) })),
    ...restores.map((restore) => ({ at: restore.item.index, run: () => replay.restore(restore) })),
  ];
  for (const { run } of steps.sort((a, b) => (a.at < b.at ? -1 : 1))) run();
  if (replay.count === 0) throw skipped('no attested value here follows from another one here');
  return `${replay.count} attested values of PCR and extend index follow from the anchors before`;
}

/** What the PCR is known to hold. */
interface KnownPcr {
  readonly value: Uint8Array;
  /** Of a boot entry that no anchor has followed yet. */
  readonly isOfBoot: boolean;
  /** What it held earlier in that TPM boot, since the last anchor; null if not known. */
  readonly earlier: EarlierPcr | null;
}

interface EarlierPcr {
  readonly value: Uint8Array;
  /** By a boot entry, which an anchor under way may have come before; else by the last anchor. */
  readonly isOfBoot: boolean;
}

class BundleReplay {
  count = 0;
  readonly #genesis: Evidence['genesis'];
  #clock: TpmClockInfo | null = null;
  #pcr: KnownPcr | null = null;
  #index: Uint8Array | null = null;
  #lastAnchor: bigint | null = null;
  /** Of each boot entry with a quote, by its index. */
  readonly #boots = new Map<bigint, TpmClockInfo>();

  constructor(genesis: Evidence['genesis']) {
    this.#genesis = genesis;
  }

  boot({ item, attest }: Boot): void {
    const { bootQuote } = item.entry;
    if (bootQuote === null || attest === null) return;
    this.#boots.set(item.index, attest.clock);
    const isSameBoot = this.#enter(attest.clock, `boot entry ${item.index}`);
    const { pcrIndex } = this.#genesis.document;
    const value = bootQuote.values.find(({ pcr }) => pcr === pcrIndex)?.value;
    const known = isSameBoot ? this.#pcr : null;
    const earlier = known?.earlier ?? known;
    this.#pcr = value === undefined ? null : { value, isOfBoot: true, earlier };
  }

  anchor(anchor: Anchor): void {
    const { index, entry } = anchor.item;
    const { ledgerId, applianceId } = this.#genesis;
    const { previousAnchorIndex } = entry;
    if (previousAnchorIndex === null) this.#index = extendBase(ledgerId);
    else if (previousAnchorIndex !== this.#lastAnchor) {
      [this.#index, this.#pcr] = [null, null]; // of anchors between that are not here
    }
    this.#lastAnchor = index;
    const { clock } = anchor.counter.attest;
    const named = this.#boots.get(entry.time.bootIndex);
    mustHold(
      named === undefined || compareBoots(named, clock) === 0,
      `anchor ${index} is not of the TPM boot of the boot entry that it names`,
    );
    if (!this.#enter(clock, `anchor ${index}`)) this.#pcr = null;
    const evidenceHash = sha256(entry.evidence);
    const digest = anchorDigest({ ...entry, ledgerId, applianceId, evidenceHash });
    this.#replayPcr(anchor, digest);
    this.#replayIndex(anchor, digest);
  }

  /** Operators ordered to go on from what the TPM showed: all before it leads nowhere. */
  restore({ item, restoration }: Restore): void {
    const { extend, pcr, resetCount, restartCount, clockMs } = restoration.found;
    this.#lastAnchor = item.index;
    this.#clock = { resetCount, restartCount, clockMs, safe: false };
    this.#pcr = pcr === null ? null : { value: pcr, isOfBoot: false, earlier: null };
    this.#index = extend;
  }

  #replayPcr({ item, quote }: Anchor, digest: Uint8Array): void {
    const known = this.#pcr;
    const attested = quote?.attest.attested;
    this.#pcr = null;
    if (known === null || attested?.type !== 'quote') return;
    const place = `the PCR at anchor ${item.index} is not what the anchors before it lead to`;
    const isOf = (value: Uint8Array): boolean => equalBytes(attested.pcrDigest, pcrDigest([value]));
    const next = extended(known.value, digest);
    // An anchor that a crash interrupted may have extended the PCR before the boot entry was made.
    const wasUnderWay = known.isOfBoot && !isOf(next) && isOf(known.value);
    mustHold(wasUnderWay || isOf(next), place);
    const { earlier } = known;
    if (earlier !== null) {
      const isUnchanged = equalBytes(earlier.value, known.value);
      const isByAnchor = equalBytes(extended(earlier.value, digest), known.value);
      mustHold(wasUnderWay ? isByAnchor || (isUnchanged && earlier.isOfBoot) : isUnchanged, place);
    }
    this.#pcr = { value: wasUnderWay ? known.value : next, isOfBoot: false, earlier: null };
    this.count += 1;
  }

  #replayIndex({ item, extend }: Anchor, digest: Uint8Array): void {
    const attested = extend?.attest.attested;
    if (attested?.type !== 'nv') return;
    const before = this.#index;
    this.#index = attested.contents;
    if (before === null) return;
    const next = extended(before, extendData(item.entry.counterExpected, digest));
    mustHold(
      equalBytes(next, attested.contents),
      `the extend index at anchor ${item.index} is not what the anchors before it lead to`,
    );
    this.count += 1;
  }

  /** Whether the TPM boot is that of the entry before; the TPM's resets never grow fewer. */
  #enter(clock: TpmClockInfo, what: string): boolean {
    const order = this.#clock === null ? 1 : compareBoots(clock, this.#clock);
    this.#clock = clock;
    mustHold(order >= 0, `the TPM of ${what} was reset less often than before`);
    return order === 0;
  }
}
