/**
 * The ladder of levels (SPEC.md §9.6). What evidence allows at its own moment; from there a segment
 * sinks with time. A level is never above what the weakest of its conditions allows.
 */
import type { TimeLevel } from '../entry-fields.ts';

/** What the sources came to. */
export interface Standing {
  /**
   * `agreed`: what is healthy agrees, and with the own clock where that stands alone against it.
   * `disputed`: it does not. `silent`: nothing is healthy.
   */
  readonly state: 'agreed' | 'disputed' | 'silent';
  /** Independent groups that agree. */
  readonly groups: number;
  /** Whether one of them can be locked to with no other, and what they leave is narrow enough. */
  readonly locks: boolean;
  /** Whether the evidence stands within an anchor: between two attestations of the TPM. */
  readonly isInAnchor: boolean;
  /** Whether the own clock was locked before and goes on from there. */
  readonly hasBase: boolean;
}

/** Independent groups without which nothing is attested. */
const ATTESTED_GROUPS_MIN = 2;

export function levelOf({ state, groups, locks, isInAnchor, hasBase }: Standing): TimeLevel {
  if (state === 'disputed') return 'DISPUTED';
  if (state === 'silent') return hasBase ? 'HOLDOVER' : 'UNKNOWN';
  if (!locks) return hasBase ? 'HOLDOVER' : 'DEGRADED';
  return isInAnchor && groups >= ATTESTED_GROUPS_MIN ? 'ATTESTED' : 'LOCKED';
}
