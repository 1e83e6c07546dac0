/**
 * What the daemon answers about time (openapi.json: Time, TimeHistory). Nanoseconds are decimal
 * text; windows are half widths, null where nothing bounds them.
 */

export interface TimeSourceAnswer {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly group: string;
  readonly state: string;
  readonly problems: readonly string[];
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
