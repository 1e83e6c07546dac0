/** Median and 99th percentile of durations in milliseconds. */
export interface TimeSummary {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function summaryOf(tookMs: readonly number[]): TimeSummary {
  const sorted = tookMs.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
