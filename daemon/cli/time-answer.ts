/**
 * What the daemon answers about time (openapi.json: Time, TimeHistory). Nanoseconds are decimal
 * text; windows are half widths, null where nothing bounds them.
 */
import type { TimeLevel } from '@kudurru/proof';

export interface TimeSourceAnswer {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly group: string;
  readonly state: string;
  readonly problems: readonly string[];
  /** Those of them that stay until operators sign another time profile. */
  readonly latched: readonly string[];
  readonly sky: { readonly spoofing: string; readonly jamming: string } | null;
  readonly process: string;
  readonly restarts: number;
  readonly heardAgeMs: number | null;
  readonly notes: Readonly<Record<string, number>>;
  /** Of PTP, oldest first. */
  readonly samples: readonly { readonly offsetNs: string; readonly delayNs: string }[];
}

export interface TimeAnswer {
  readonly level: string;
  readonly statisticalNs: string | null;
  readonly adversarialNs: string | null;
  readonly utc: string;
  readonly clock: string;
  readonly heldUpNs: string;
  readonly advice: string | null;
  readonly profile: { readonly name: string; readonly index: number } | null;
  readonly evidence: {
    readonly index: number;
    readonly cause: string;
    readonly ageMs: number;
    readonly groups: number;
    readonly liars: number;
  } | null;
  readonly lockedForMs: number | null;
  readonly holdoverForMs: number | null;
  readonly widthMaxNs: string | null;
  readonly sources: readonly TimeSourceAnswer[];
}

export interface TimeHistoryRow {
  readonly index: number;
  readonly kind: string;
  readonly taiNs: string;
  readonly utc: string;
  readonly cause: string | null;
  readonly level: TimeLevel;
  readonly statisticalNs: string | null;
  readonly adversarialNs: string | null;
  readonly later: {
    readonly statisticalGrowthPpb: string;
    readonly adversarialGrowthPpb: string;
    readonly lockedForNs: string;
    readonly holdoverForNs: string;
    readonly widthMaxNs: string;
  } | null;
  readonly groups: number;
  readonly liars: number;
  readonly sources: readonly {
    readonly id: string;
    readonly state: string;
    readonly problems: readonly string[];
  }[];
}

export interface TimeHistoryAnswer {
  readonly rows: readonly TimeHistoryRow[];
  readonly next: number | null;
}
