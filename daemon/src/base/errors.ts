/**
 * The closed list of what can go wrong, and the one error class that carries it.
 *
 * A code is for programs, the message for people: "what failed: why; what to do", in lower case,
 * with values quoted. Codes are never reused for another meaning and never parsed out of a message.
 * `retry` is part of the code: `never` (the same input fails again), `later` (the same input may
 * succeed), `restart` (the process must end first; recovery decides what is true).
 */

import { inspect } from 'node:util';

export type Retry = 'never' | 'later' | 'restart';

/** One row a code, sorted by name. `meaning` is the documentation that tools and the CLI print. */
export const ERROR_CODES = {
  /** Thrown by `assert` only: a promise this code makes to itself is broken. */
  'assertion-failed': {
    retry: 'restart',
    meaning: 'a state was reached that the code rules out; nothing after it can be trusted',
  },
  /** Intake, while reading the four length bytes; the connection is closed after the answer. */
  'frame-too-long': {
    retry: 'never',
    meaning: 'the length of a frame is over its limit; nothing of the frame was read',
  },
  /** Any edge where a number becomes a branded unit. */
  'value-out-of-range': {
    retry: 'never',
    meaning: 'a number does not fit its unit: negative, fractional or too large',
  },
} as const satisfies Record<string, { readonly retry: Retry; readonly meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What every part of the daemon throws. `retry` follows from the code. */
export class KudurruError extends Error {
  override readonly name = 'KudurruError';
  readonly code: ErrorCode;
  readonly retry: Retry;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retry = ERROR_CODES[code].retry;
  }
}

/** True for a KudurruError, and of that code when one is named. */
export function isKudurruError(error: unknown, code?: ErrorCode): error is KudurruError {
  return error instanceof KudurruError && (code === undefined || error.code === code);
}

/**
 * Gives a foreign error (a system call, a device, a library) a code, and keeps it as the cause.
 * `what` says what failed; the cause says why. A KudurruError passes through as it is: the place
 * that named the failure first knew most about it.
 */
export function wrapError(code: ErrorCode, what: string, cause: unknown): KudurruError {
  if (cause instanceof KudurruError) return cause;
  return new KudurruError(code, `${what}: ${reasonOf(cause)}`, { cause });
}

/** The text of anything that was thrown, followed by those of its causes, outermost first. */
export function reasonOf(thrown: unknown): string {
  const reasons: string[] = [];
  const seen = new Set<unknown>();
  let current: unknown = thrown;
  while (current instanceof Error && !seen.has(current)) {
    seen.add(current);
    // A wrapped error already ends with the text of its cause.
    if (!reasons.at(-1)?.endsWith(current.message)) reasons.push(current.message);
    current = current.cause;
  }
  if (current !== undefined && !(current instanceof Error)) reasons.push(textOf(current));
  return reasons.join(': ');
}

function textOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}
