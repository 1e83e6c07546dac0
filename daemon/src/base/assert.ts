/**
 * Assertions state what this code promises itself. They are never used on input: bad input has its
 * own code. They are never compiled out: a ledger that is wrong must stop, not go on.
 */
import { KudurruError } from './errors.ts';

/** Throws `assertion-failed` unless `condition` holds; `promise` says what should be true. */
export function assert(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new KudurruError('assertion-failed', `broken promise: ${promise}`);
}

/** The value, which the code around it knows to be there. */
export function present<Value>(value: Value | null | undefined, promise: string): Value {
  if (value === undefined || value === null) {
    throw new KudurruError('assertion-failed', `broken promise: ${promise}`);
  }
  return value;
}

/** Ends a `switch` over a union: the compiler proves that no case is left. */
export function unreachable(value: never, promise: string): never {
  throw new KudurruError('assertion-failed', `broken promise: ${promise}; got '${String(value)}'`);
}
