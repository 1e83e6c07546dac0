/** clockAccuracy of IEEE 1588-2019, table 5. */

/** From 0x17, in picoseconds. */
const ACCURACY_PS: readonly bigint[] = [
  ...[1n, 3n, 10n, 25n, 100n, 250n, 1_000n, 2_500n, 10_000n, 25_000n, 100_000n, 250_000n],
  ...[1_000_000n, 2_500_000n, 10_000_000n, 25_000_000n, 100_000_000n, 250_000_000n],
  ...[10n ** 9n, 25n * 10n ** 8n, 10n ** 10n, 25n * 10n ** 9n, 10n ** 11n, 25n * 10n ** 10n],
  ...[10n ** 12n, 10n ** 13n],
];
const FIRST = 0x17;
const PS_PER_NS = 1_000n;

/** The half width that a code stands for, rounded up; null for one that bounds nothing. */
export function accuracyOf(code: number): bigint | null {
  const picoseconds = ACCURACY_PS[code - FIRST];
  return picoseconds === undefined ? null : (picoseconds + PS_PER_NS - 1n) / PS_PER_NS;
}
