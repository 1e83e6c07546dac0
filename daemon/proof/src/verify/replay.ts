/**
 * What a whole log says of the TPM, held against what the TPM attested (SPEC.md §9): every anchor
 * extended one PCR, every counter-anchor one index, and nobody else did. A log from which anchors
 * were taken, or to which others belong, shows other values than the TPM quoted and certified.
 */
import { anchorDigest, extendBase, extendData, extended, pcrDigest } from '../anchor.ts';
import { equalBytes } from '../bytes.ts';
import { sha256 } from '../sha256.ts';
import type { TpmClockInfo } from '../tpm-attest.ts';
import type { Anchor, Boot, Genesis, Restore } from './evidence.ts';

export type ReplayCode = 'tpm-boot-contradicts' | 'pcr-contradicts' | 'extend-index-contradicts';

export interface ReplayProblem {
  readonly code: ReplayCode;
  readonly text: string;
}

export type TpmBootCounts = Pick<TpmClockInfo, 'resetCount' | 'restartCount'>;

export class AnchorReplay {
  readonly #genesis: Genesis;
  /** Of the last boot quote or anchor. */
  #clock: TpmClockInfo | null = null;
  /** Null: not known, since no boot entry of this TPM boot says it or it was contradicted. */
  #pcr: Uint8Array | null = null;
  /** Shown by a boot quote while an anchor was under way: what the next anchor must lead to. */
  #underWay: Uint8Array | null = null;
  #extend: Uint8Array | null;
  #lastAnchor: bigint | null = null;

  constructor(genesis: Genesis) {
    this.#genesis = genesis;
    this.#extend = genesis.extend === null ? null : extendBase(genesis.ledgerId);
  }

  /** In the log's order. */
  boot({ item, attest }: Boot): ReplayProblem[] {
    const { bootQuote } = item.entry;
    const { pcrIndex } = this.#genesis.document;
    if (bootQuote === null || attest === null) return [];
    const problems: ReplayProblem[] = [];
    const isNew = this.#enter(attest.clock, `boot entry ${item.index}`, problems);
    const shown = bootQuote.values.find(({ pcr }) => pcr === pcrIndex)?.value;
    if (shown === undefined) return problems;
    if (isNew) {
      this.#pcr = shown;
    } else if (this.#pcr !== null) {
      // An anchor that was under way has extended the PCR already: the next one here says so.
      const underWay = this.#underWay ?? (equalBytes(this.#pcr, shown) ? null : shown);
      if (underWay !== null && !equalBytes(underWay, shown)) {
        problems.push(this.#contradictPcr(`boot entry ${item.index}`));
      } else {
        this.#underWay = underWay;
      }
    }
    return problems;
  }

  /** In the log's order. */
  anchor(anchor: Anchor): ReplayProblem[] {
    const { index, entry } = anchor.item;
    const problems: ReplayProblem[] = [];
    if (entry.previousAnchorIndex !== this.#lastAnchor) this.#forget();
    this.#lastAnchor = index;
    const { ledgerId, applianceId } = this.#genesis;
    const evidenceHash = sha256(entry.evidence);
    const digest = anchorDigest({ ...entry, ledgerId, applianceId, evidenceHash });
    const isNew = this.#enter(anchor.counter.attest.clock, `anchor ${index}`, problems);
    if (isNew && this.#genesis.document.pcrIndex !== null) {
      const text = `no boot entry says what PCR the TPM boot of anchor ${index} began with`;
      problems.push({ code: 'pcr-contradicts', text });
    }
    this.#checkPcr(anchor, digest, problems);
    this.#checkExtend(anchor, digest, problems);
    return problems;
  }

  /** In the log's order: operators ordered to go on from what the TPM showed. */
  restore({ item, restoration }: Restore): void {
    const { extend, pcr, resetCount, restartCount, clockMs } = restoration.found;
    this.#lastAnchor = item.index;
    this.#clock = { resetCount, restartCount, clockMs, safe: false };
    this.#pcr = pcr;
    this.#underWay = null;
    this.#extend = extend;
  }

  #checkPcr({ item, quote }: Anchor, digest: Uint8Array, problems: ReplayProblem[]): void {
    if (this.#pcr === null || quote?.attest.attested.type !== 'quote') return;
    const next = extended(this.#pcr, digest);
    const isExpected = this.#underWay === null || equalBytes(this.#underWay, next);
    this.#underWay = null;
    this.#pcr = next;
    if (isExpected && equalBytes(quote.attest.attested.pcrDigest, pcrDigest([next]))) return;
    problems.push(this.#contradictPcr(`anchor ${item.index}`));
  }

  #checkExtend(anchor: Anchor, digest: Uint8Array, problems: ReplayProblem[]): void {
    const attested = anchor.extend?.attest.attested;
    if (attested?.type !== 'nv') return;
    const { counterExpected } = anchor.item.entry;
    const before = this.#extend;
    this.#extend = attested.contents;
    if (before === null) return;
    const next = extended(before, extendData(counterExpected, digest));
    if (equalBytes(next, attested.contents)) return;
    const text =
      `the extend index at anchor ${anchor.item.index} is not what the counter-anchors ` +
      'of the log lead to';
    problems.push({ code: 'extend-index-contradicts', text });
  }

  /** Whether the TPM was reset, or resumed, since the entry before. */
  #enter(clock: TpmClockInfo, what: string, problems: ReplayProblem[]): boolean {
    const last = this.#clock;
    this.#clock = clock;
    const order = last === null ? 1 : compareBoots(clock, last);
    if (order < 0) {
      const text = `the TPM of ${what} was reset less often than the TPM of the entry before`;
      problems.push({ code: 'tpm-boot-contradicts', text });
    }
    if (order === 0) return false;
    this.#pcr = null;
    this.#underWay = null;
    return true;
  }

  #contradictPcr(what: string): ReplayProblem {
    this.#pcr = null;
    this.#underWay = null;
    const text = `the PCR at ${what} is not what the anchors of the log lead to`;
    return { code: 'pcr-contradicts', text };
  }

  /** Anchors are missing here, and said to be: nothing can be replayed across the gap. */
  #forget(): void {
    this.#pcr = null;
    this.#underWay = null;
    this.#extend = null;
  }
}

/** Resets first, then restarts. */
export function compareBoots(left: TpmBootCounts, right: TpmBootCounts): number {
  if (left.resetCount !== right.resetCount) return left.resetCount - right.resetCount;
  return left.restartCount - right.restartCount;
}
