/**
 * What the log leads to in the TPM, kept while the daemon runs: it moves when an anchor or a boot
 * entry is durable, and is compared with the TPM before anything is done to it.
 */
import { compareBoots } from '@kudurru/proof';

import type { Registers } from '../hardware/anchor-registers.ts';
import { AnchorContradiction } from './contradiction.ts';
import type { AnchorPlan } from './plan.ts';
import type { BoundAnchor, PreparedAnchor } from './prepared.ts';
import {
  contradictionsOf,
  digestOf,
  extendStep,
  pcrContradictions,
  pcrStep,
  type AnchorIdentity,
  type ReplayedRegisters,
} from './register-steps.ts';
import type { QuotedBoot } from './start-rule.ts';
import { isSameTpmBoot, tellTpmBoot, type TpmBoot } from './tpm-boot.ts';

export class TpmHistory {
  readonly identity: AnchorIdentity;
  #replayed: ReplayedRegisters;
  /** Null before the first boot entry of this run, unless the log has this TPM boot already. */
  #tpmBoot: TpmBoot | null;

  /** `tpmBoot` is the one that `replayed.pcr` is of. */
  constructor(
    identity: AnchorIdentity,
    replayed: ReplayedRegisters,
    tpmBoot: TpmBoot | null = null,
  ) {
    this.identity = identity;
    this.#replayed = replayed;
    this.#tpmBoot = replayed.pcr === null ? null : tpmBoot;
  }

  get replayed(): ReplayedRegisters {
    return this.#replayed;
  }

  /** The TPM was not reset since the last boot entry. */
  hasTpmBoot(tpmBoot: TpmBoot): boolean {
    return this.#tpmBoot !== null && isSameTpmBoot(this.#tpmBoot, tpmBoot);
  }

  /** @throws AnchorContradiction where the TPM was reset less often than the log has it */
  refuseEarlier(registers: Registers): void {
    const last = this.#tpmBoot;
    if (last === null || compareBoots(registers.clock, last) >= 0) return;
    const wanted = [`${tellTpmBoot(last)} or more`];
    const found = { kind: 'tpm-boot', found: tellTpmBoot(registers.clock), wanted } as const;
    throw new AnchorContradiction('anchor not made', [found], registers);
  }

  /** Before the boot entry is written. @throws AnchorContradiction */
  checkQuote(quoted: QuotedBoot, registers: Registers, prepared: PreparedAnchor | null): void {
    if (!this.hasTpmBoot(quoted.moment)) return;
    const shown = { clock: quoted.moment, pcr: quoted.pcr };
    const found = pcrContradictions(shown, this.#replayed, this.#underWay(prepared));
    if (found.length > 0) throw new AnchorContradiction('boot not recorded', found, registers);
  }

  /** A boot entry with this quote is durable. */
  enter({ moment, pcr }: QuotedBoot): void {
    if (this.hasTpmBoot(moment)) return;
    this.#tpmBoot = moment;
    this.#replayed = { ...this.#replayed, pcr };
  }

  /** @throws AnchorContradiction where the TPM shows what neither log nor `prepared` leads to */
  check(registers: Registers, prepared: PreparedAnchor): void {
    const found = contradictionsOf(registers, this.#replayed, this.#underWay(prepared));
    if (found.length > 0) throw new AnchorContradiction('anchor not made', found, registers);
  }

  /** The anchor's entry is durable. */
  settle(plan: AnchorPlan, bound: BoundAnchor | null): void {
    const { counterExpected: counter } = plan;
    if (bound === null) {
      this.#replayed = { ...this.#replayed, counter };
      return;
    }
    const digest = digestOf(this.identity, plan, bound.evidence);
    const extended = extendStep(plan, bound.extendFrom, digest);
    this.#replayed = {
      counter,
      pcr: pcrStep(bound.pcrFrom, digest).to,
      extend: extended?.to ?? this.#replayed.extend,
    };
  }

  #underWay(prepared: PreparedAnchor | null) {
    return prepared === null ? null : { prepared, identity: this.identity };
  }
}
