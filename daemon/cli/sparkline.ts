/** A row of bars in a line of text: the newest values, from the least of them to the largest. */

const BARS = '▁▂▃▄▅▆▇█';
const LEVEL = '▄';

/** At most `width` bars, oldest first; values that are all the same are bars of middle height. */
export function sparkline(values: readonly bigint[], width: number): string {
  const shown = values.slice(-width);
  const { least, largest } = rangeOf(shown);
  if (least === largest) return LEVEL.repeat(shown.length);
  const steps = BigInt(BARS.length - 1);
  return shown
    .map((value) => BARS.charAt(Number(((value - least) * steps) / (largest - least))))
    .join('');
}

/** Zero and zero of no values. */
export function rangeOf(values: readonly bigint[]): { least: bigint; largest: bigint } {
  const [first = 0n] = values;
  return values.reduce(
    ({ least, largest }, value) => ({
      least: value < least ? value : least,
      largest: value > largest ? value : largest,
    }),
    { least: first, largest: first },
  );
}
