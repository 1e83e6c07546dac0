/** Exit codes of every command. */
export const EXIT = {
  good: 0,
  /** INVALID, not found, or refused. */
  foundBad: 1,
  wrongUse: 2,
  unverifiable: 3,
  daemonUnreachable: 4,
  internal: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for the person; `hint` says what to do, on a line of its own. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  /** The code of the daemon or the library, for `--json`. */
  readonly code: string;

  constructor(exitCode: ExitCode, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.exitCode = exitCode;
    this.hint = details.hint;
    this.code = details.code ?? 'failed';
  }
}

export interface FailureDetails {
  readonly hint?: string;
  readonly code?: string;
  readonly cause?: unknown;
}

export function wrongUse(message: string, hint?: string): Failure {
  return new Failure(EXIT.wrongUse, message, {
    code: 'wrong-use',
    ...(hint === undefined ? {} : { hint }),
  });
}
