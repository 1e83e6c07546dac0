/**
 * What the control socket shows of time, as JSON. Times in nanoseconds are decimal strings; a
 * window is a half width, null where nothing bounds it.
 */

export interface TimeWindowsView {
  readonly level: string;
  /** Half width by what sources scatter; null is unknown. */
  readonly statisticalNs: string | null;
  /** Half width whatever is done to the delay of messages; null is unknown. */
  readonly adversarialNs: string | null;
}

export interface TimeSampleView {
  readonly ageMs: number;
  /** Own clock minus grandmaster. */
  readonly offsetNs: string;
  /** Mean path delay. */
  readonly delayNs: string;
}

export interface TimeSourceView {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  /** What it draws on: sources of two groups are independent. */
  readonly group: string;
  /** As judged at the last look: SPEC.md §9.4, or `not-judged` before the first. */
  readonly state: string;
  /** Why it does not count (SPEC.md §9.4). */
  readonly problems: readonly string[];
  /** Those of them that stay until operators sign another time profile. */
  readonly latched: readonly string[];
  /** What a receiver says of spoofing and jamming; null of all else. */
  readonly sky: { readonly spoofing: string; readonly jamming: string } | null;
  /** `none`: nothing reads it here, or it has not spoken yet. */
  readonly process: 'none' | 'running' | 'restarting';
  /** How often its process ended, or was not understood, under this profile. */
  readonly restarts: number;
  /** Since its last frame; null before the first. */
  readonly heardAgeMs: number | null;
  /** How often its process reported what, by code. */
  readonly notes: Readonly<Record<string, number>>;
  /** Of PTP, oldest first. */
  readonly samples: readonly TimeSampleView[];
}

export interface TimeView extends TimeWindowsView {
  readonly taiNs: string;
  readonly utc: string;
  /** What time follows from: time evidence, or the system clock where there is none. */
  readonly clock: 'evidence' | 'system-clock';
  /** By how much time waits for the last entry's: it never goes back. */
  readonly heldUpNs: string;
  /** What somebody has to do for a better level; null where nothing is left to do. */
  readonly advice: string | null;
  /** In force; `index` is of its entry. */
  readonly profile: { readonly name: string; readonly index: number } | null;
  /** Whose segment is in force. */
  readonly evidence: {
    readonly index: number;
    readonly cause: string;
    readonly ageMs: number;
    /** Independent groups that agreed, and how many of them may lie. */
    readonly groups: number;
    readonly liars: number;
  } | null;
  /** Until the level sinks without new evidence; 0 where it has, null without a segment. */
  readonly lockedForMs: number | null;
  readonly holdoverForMs: number | null;
  /** A wider adversarial window is no lock. */
  readonly widthMaxNs: string | null;
  readonly sources: readonly TimeSourceView[];
}
