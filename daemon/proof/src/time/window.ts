/**
 * The two windows of a clock that ptp4l disciplines (SPEC.md §9.5), formulas
 * `kudurru/statistical/1` and `kudurru/adversarial/1`. The statistical one is what such clocks are
 * usually said to keep. The adversarial one holds the truth whatever anybody does to the delays of
 * messages, as long as their content and the pins of the profile are true.
 */
import { absolute, floorDivide, largest, smallest, squareRootUp } from './integers.ts';
import { grownNs } from './segment.ts';

export const STATISTICAL_FORMULA = 'kudurru/statistical/1';
export const ADVERSARIAL_FORMULA = 'kudurru/adversarial/1';

/** Standard deviations in the statistical window. */
const DEVIATIONS = 4n;

/** What the windows are made of; over the whole span of the evidence, all in nanoseconds. */
export interface WindowTerms {
  /** Of the grandmaster, as announced and within policy. */
  readonly accuracyNs: bigint;
  /** Own clock minus master, each reading. */
  readonly offsetsNs: readonly bigint[];
  /** Mean path delays, each reading. */
  readonly delaysNs: readonly bigint[];
  readonly delayMinNs: bigint;
  /** How far the disciplined clock strayed from its line, and the half of its widest bracket. */
  readonly spreadNs: bigint;
  readonly halfNs: bigint;
  /** The longest time from a sync to the reading of what it gave. */
  readonly ageNs: bigint;
  readonly slewPpbMax: bigint;
  /** How long ago ptp4l's delay filter may have begun to see what it now tells. */
  readonly lagNs: bigint;
  readonly growthPpb: bigint;
}

/** accuracy + |mean offset| + 4 standard deviations of it + half bracket. */
export function statisticalWindow(terms: WindowTerms): bigint {
  const { accuracyNs, offsetsNs, halfNs } = terms;
  const count = BigInt(offsetsNs.length);
  const mean = floorDivide(
    offsetsNs.reduce((sum, offset) => sum + offset, 0n),
    count,
  );
  const squares = offsetsNs.reduce((sum, offset) => sum + (offset - mean) ** 2n, 0n);
  return accuracyNs + absolute(mean) + DEVIATIONS * squareRootUp(squares / count) + halfNs;
}

/**
 * accuracy + max|offset| + (max delay − delayMin) + (max delay − min delay) + spread + half
 * brackets + slew over the age + growth over the lag of the delay filter.
 *
 * Why it holds: at a sync the clock is off by offset + filtered delay − true delay of that message.
 * That delay is at least delayMin, and at most 2·(a measured delay) − delayMin, for a measured mean
 * is of it and of one that is at least delayMin; some time within the lag the filter's value was
 * measured, which the largest is not below. From there to now the clock's own line leads, and the
 * oscillator leaves the line by no more than the growth.
 */
export function adversarialWindow(terms: WindowTerms): bigint {
  const { accuracyNs, offsetsNs, delaysNs, delayMinNs, spreadNs, halfNs } = terms;
  const delayNs = largest(delaysNs);
  return (
    accuracyNs +
    largest(offsetsNs.map(absolute)) +
    (delayNs - delayMinNs) +
    (delayNs - smallest(delaysNs)) +
    spreadNs +
    2n * halfNs +
    grownNs(terms.ageNs, terms.slewPpbMax) +
    grownNs(terms.lagNs, terms.growthPpb)
  );
}
