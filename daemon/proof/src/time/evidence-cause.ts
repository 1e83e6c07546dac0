/** Why time evidence was made (SPEC.md §9.4), and which of it nothing goes on across. */

/** Numbers are the places in this list, from 1: new ones go to its end. */
export const EVIDENCE_CAUSES = [
  'start',
  'activity',
  'change',
  'anchor',
  'stop',
  /** CLOCK_REALTIME was set. */
  'clock-set',
  /** CLOCK_TAI was moved alone: the kernel was told another TAI−UTC. */
  'tai-offset',
  /** The machine was suspended, which CLOCK_MONOTONIC_RAW does not count. */
  'suspended',
  /** CLOCK_MONOTONIC_RAW and CLOCK_MONOTONIC went apart by more than the kernel turns a clock. */
  'raw-clock',
  /** The first evidence in another boot of the kernel than the evidence before. */
  'new-boot',
] as const;
export type EvidenceCause = (typeof EVIDENCE_CAUSES)[number];

const BREAKS: ReadonlySet<EvidenceCause> = new Set(['suspended', 'raw-clock', 'new-boot']);

/** Whether no segment of before is good from then on. */
export function isBreak(cause: EvidenceCause): boolean {
  return BREAKS.has(cause);
}
