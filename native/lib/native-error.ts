// The one error that the native code throws, and the argument errors of the facade.

/** Where a failure came from, as the native code knows it. */
export interface NativeFailure {
  /** The part that failed: 'verify', 'cbor', 'journal', 'errno' … */
  readonly domain: string;
  /** That domain's own code; a closed list per domain, given at the function that throws it. */
  readonly code: string;
  /** The call that failed. */
  readonly operation: string;
}

/**
 * A failure inside the native code. It carries no advice on retrying: the caller, who knows the
 * operation's meaning, turns it into its own error.
 */
export class NativeError extends Error implements NativeFailure {
  override readonly name = 'NativeError';
  domain = '';
  code = '';
  operation = '';

  /** The native code gives the message alone and sets the three properties itself. */
  constructor(message: string, failure?: NativeFailure) {
    super(message);
    if (failure !== undefined) Object.assign(this, failure);
  }
}
