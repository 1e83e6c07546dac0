/** The one error of this client. `code` is stable and closed; `message` is for people. */

/**
 * | code | retry | meaning |
 * |---|---|---|
 * | `socket-gone` | later | no ptp4l listens on the socket |
 * | `socket-denied` | later | this process may not write to the socket |
 * | `socket-impostor` | never | the socket belongs to a user that ptp4l does not run as |
 * | `client-path-unusable` | never | no socket can be made at the client's own path |
 * | `busy` | later | ptp4l's queue is full |
 * | `no-answer` | later | ptp4l did not answer in time |
 * | `refused` | never | ptp4l answered with a management error; `detail` is its name |
 * | `closed` | never | the client was closed |
 */
export type ClientErrorCode =
  | 'socket-gone'
  | 'socket-denied'
  | 'socket-impostor'
  | 'client-path-unusable'
  | 'busy'
  | 'no-answer'
  | 'refused'
  | 'closed';

const RETRY_LATER: ReadonlySet<string> = new Set([
  ...['socket-gone', 'socket-denied', 'busy', 'no-answer'],
]);

export class Ptp4lError extends Error {
  override readonly name = 'Ptp4lError';
  readonly code: ClientErrorCode;
  readonly retry: 'never' | 'later';
  /** Name of the management error (IEEE 1588-2019 table 71) of `refused`. */
  readonly detail: string | null;

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly detail?: string } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retry = RETRY_LATER.has(code) ? 'later' : 'never';
    this.detail = options.detail ?? null;
  }
}
