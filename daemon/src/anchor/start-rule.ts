/**
 * What the TPM says about the journal when the daemon starts. Its counter, its extend index and,
 * within one TPM boot, the anchor PCR cannot be set back, so a journal that has been, or a TPM that
 * is another one, shows here. Nothing is repaired: either they agree, or an anchor was under way
 * and is finished, or the daemon does not start, and says exactly what it found.
 */
import { compareBoots, encodeHex, equalBytes, pcrDigest } from '@kudurru/proof';

import type { Registers } from '../hardware/anchor-registers.ts';
import { AnchorContradiction, type Contradiction } from './contradiction.ts';
import type { LastAnchor } from './ports.ts';
import { momentOfBound, type PreparedAnchor } from './prepared.ts';
import { contradictionsOf, type AnchorIdentity, type ReplayedRegisters } from './register-steps.ts';
import { isSameTpmBoot, tellTpmBoot, type TpmMoment } from './tpm-boot.ts';

/** What the log has of the TPM. */
export interface LoggedTpm {
  readonly identity: AnchorIdentity;
  /** Value at which this ledger got the counter, before any anchor. */
  readonly counterBase: bigint;
  /** Null when the ledger has no anchor yet. */
  readonly lastAnchor: LastAnchor | null;
  /** Of the extend index after the last counter-anchor; null where nothing is extended. */
  readonly extend: Uint8Array | null;
  /** The last boot entry's quote; null where it has none. */
  readonly lastBoot: QuotedBoot | null;
  /** The newest prepare records, or null when there are none. */
  readonly prepared: PreparedAnchor | null;
}

export interface QuotedBoot {
  readonly moment: TpmMoment;
  /** Of the anchor PCR; null where it is not quoted. */
  readonly pcr: Uint8Array | null;
}

/** With what the daemon goes on. */
export interface StartVerdict {
  /** The anchor to finish, or null when none was under way. */
  readonly unfinished: PreparedAnchor | null;
  readonly replayed: ReplayedRegisters;
}

/** @throws AnchorContradiction */
export function checkStart(registers: Registers, logged: LoggedTpm): StartVerdict {
  const { lastAnchor, prepared } = logged;
  const contradictions: Contradiction[] = checkClock(registers, logged);
  const nextSequence = lastAnchor === null ? 0n : lastAnchor.anchorSequence + 1n;
  const isUnderWay = prepared !== null && prepared.plan.anchorSequence >= nextSequence;
  const unfinished = isUnderWay ? prepared : null;
  if (unfinished !== null && unfinished.plan.anchorSequence !== nextSequence) {
    const found = `anchor ${unfinished.plan.anchorSequence}`;
    contradictions.push({ kind: 'prepare-record', found, wanted: [`anchor ${nextSequence}`] });
  }
  const counter = lastAnchor?.counterExpected ?? logged.counterBase;
  const pcr = replayedPcr(registers, logged, unfinished);
  if (pcr !== null && 'kind' in pcr) contradictions.push(pcr);
  const replayed: ReplayedRegisters = {
    counter,
    pcr: pcr !== null && 'kind' in pcr ? null : pcr,
    extend: logged.extend,
  };
  const underWay = unfinished === null ? null : { prepared: unfinished, identity: logged.identity };
  contradictions.push(...contradictionsOf(registers, replayed, underWay));
  if (contradictions.length === 0) return { unfinished, replayed };
  throw new AnchorContradiction('start refused', contradictions, registers);
}

/** Resets and restarts never decrease, and within one TPM boot neither does the clock. */
function checkClock({ clock }: Registers, logged: LoggedTpm): Contradiction[] {
  const found: Contradiction[] = [];
  const bound = logged.prepared?.bound ?? null;
  const prepared = bound === null ? undefined : momentOfBound(bound);
  for (const moment of [logged.lastBoot?.moment, logged.lastAnchor?.moment, prepared]) {
    if (moment === undefined) continue;
    const order = compareBoots(clock, moment);
    if (order < 0) {
      const wanted = [`${tellTpmBoot(moment)} or more`];
      found.push({ kind: 'tpm-boot', found: tellTpmBoot(clock), wanted });
    } else if (order === 0 && clock.clockMs < moment.clockMs) {
      const wanted = [`${moment.clockMs} ms or more`];
      found.push({ kind: 'tpm-clock', found: `${clock.clockMs} ms`, wanted });
    }
  }
  return found.slice(0, 1);
}

/**
 * The anchor PCR's value before anything that is under way; null where the log has nothing of this
 * TPM boot. An anchor's quote attests its digest only: the value is the one that is shown, if any.
 */
function replayedPcr(
  { clock, pcr }: Registers,
  { lastAnchor, lastBoot }: LoggedTpm,
  unfinished: PreparedAnchor | null,
): Uint8Array | Contradiction | null {
  if (pcr === null) return null;
  const bound = unfinished?.bound ?? null;
  const isBoundHere = bound !== null && isSameTpmBoot(momentOfBound(bound), clock);
  const digest = lastAnchor?.pcrDigest ?? null;
  if (lastAnchor !== null && digest !== null && isSameTpmBoot(lastAnchor.moment, clock)) {
    const value = isBoundHere ? bound.pcrFrom : pcr;
    if (equalBytes(pcrDigest([value]), digest)) return value;
    const wanted = [`a value whose SHA-256 is ${encodeHex(digest)}`];
    return { kind: 'pcr', found: encodeHex(value), wanted };
  }
  if (isBoundHere) return bound.pcrFrom;
  if (lastBoot === null || !isSameTpmBoot(lastBoot.moment, clock)) return null;
  return lastBoot.pcr;
}
