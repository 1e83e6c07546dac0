/** Arithmetic on `bigint` that the time computations share: exact, or of stated rounding. */

/** Rounds towards minus infinity; `divisor` is positive. */
export function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient;
}

export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** 0 where there is none. */
export function largest(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most), values[0] ?? 0n);
}

/** 0 where there is none. */
export function smallest(values: readonly bigint[]): bigint {
  return values.reduce((least, value) => (value < least ? value : least), values[0] ?? 0n);
}

/** The least integer whose square is not below `value`. */
export function squareRootUp(value: bigint): bigint {
  if (value <= 1n) return value < 0n ? 0n : value;
  let root = 1n << (BigInt(value.toString(2).length + 1) >> 1n);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) break;
    root = next;
  }
  return root * root < value ? root + 1n : root;
}
