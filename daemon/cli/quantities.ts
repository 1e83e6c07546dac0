/** Durations, sizes, times and windows in words. */

/** `3 min`, from milliseconds; the largest unit that fits. */
export function duration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** `1.2 GiB`, from bytes. */
export function size(sizeBytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

const NS_UNITS = [
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['µs', 1_000n],
] as const;
const DIGITS = 3;

/** `12.4 µs`, of three digits, away from zero: a window is never shown narrower than it is. */
export function nanoseconds(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const size = ns < 0n ? -ns : ns;
  const [unit, unitNs] = NS_UNITS.find(([, least]) => size >= least) ?? ['ns', 1n];
  const decimals = unitNs === 1n ? 0 : Math.max(0, DIGITS - String(size / unitNs).length);
  const scaled = (size * 10n ** BigInt(decimals) + unitNs - 1n) / unitNs;
  const digits = String(scaled).padStart(decimals + 1, '0');
  if (decimals === 0) return `${sign}${digits} ${unit}`;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)} ${unit}`;
}

/** Half widths as decimal text; null is unknown. */
export interface Windows {
  readonly statisticalNs: string | null;
  readonly adversarialNs: string | null;
}

/** `±1.20 µs statistical, ±340 µs adversarial`, or that there are none. */
export function windows({ statisticalNs, adversarialNs }: Windows): string {
  if (statisticalNs === null && adversarialNs === null) {
    return 'nothing bounds the error';
  }
  return `${halfWidth(statisticalNs)} statistical, ${halfWidth(adversarialNs)} adversarial`;
}

export function halfWidth(ns: string | null): string {
  return ns === null ? 'not known' : `±${nanoseconds(BigInt(ns))}`;
}
