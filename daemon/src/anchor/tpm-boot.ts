import type { TpmBootCounts } from '@kudurru/proof';

/**
 * A TPM boot: the time in which the TPM is neither reset nor restarted. PCRs begin anew with one;
 * counter and extend index do not notice.
 */
export type TpmBoot = TpmBootCounts;

/** A reading of the TPM's clock. */
export interface TpmMoment extends TpmBoot {
  readonly clockMs: bigint;
  /** False: the clock may have gone back before, as after a power loss. */
  readonly safe: boolean;
}

export function isSameTpmBoot(one: TpmBoot, other: TpmBoot): boolean {
  return one.resetCount === other.resetCount && one.restartCount === other.restartCount;
}

export function tellTpmBoot({ resetCount, restartCount }: TpmBoot): string {
  return `${resetCount}/${restartCount}`;
}
