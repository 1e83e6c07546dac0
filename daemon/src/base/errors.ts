/**
 * The closed list of what can go wrong, and the one error class that carries it.
 *
 * A code is for programs, the message for people: "what failed: why; what to do", in lower case,
 * with values quoted. Codes are never reused for another meaning and never parsed out of a message.
 * `retry` is part of the code: `never` (the same input fails again), `later` (the same input may
 * succeed), `restart` (the process must end first; recovery decides what is true).
 */

import { inspect } from 'node:util';

import { NATIVE_CODES } from './native-codes.ts';

export type Retry = 'never' | 'later' | 'restart';

/**
 * Those of the native code, and one row for each other code, sorted by name. `meaning` is the
 * documentation that tools and the CLI print.
 */
export const ERROR_CODES = {
  ...NATIVE_CODES,
  /** Enrolment. */
  'agent-exists': {
    retry: 'never',
    meaning: 'an agent of this name is already enrolled; a name is enrolled once',
  },
  /** Opening a session, and the control socket. */
  'agent-unknown': {
    retry: 'never',
    meaning: 'no agent of this id is enrolled in this ledger',
  },
  /** The start: TPM counter against journal. */
  'anchor-contradiction': {
    retry: 'never',
    meaning:
      'the TPM is not where the journal says that it was left: counter, extend index, PCR or clock',
  },
  /** Approving a boot for the token's PIN. */
  'approval-invalid': {
    retry: 'never',
    meaning: 'an approval of a boot is malformed, or not signed by the key that approves',
  },
  /** Thrown by `assert` only: a promise this code makes to itself is broken. */
  'assertion-failed': {
    retry: 'restart',
    meaning: 'a state was reached that the code rules out; nothing after it can be trusted',
  },
  /** Provisioning: the hierarchies of the TPM. */
  'authorisation-foreign': {
    retry: 'never',
    meaning: 'an authorisation of the TPM was set by somebody else, who can take its counter away',
  },
  /** The start, and every call of the token: its PIN is sealed. */
  'boot-not-approved': {
    retry: 'never',
    meaning: "the box booted otherwise than approved, and the TPM does not open the token's PIN",
  },
  /** The control socket. */
  'caller-not-allowed': {
    retry: 'never',
    meaning: 'the kernel names a caller that may not use the control socket',
  },
  /** Provisioning: certificates of endorsement keys. */
  'certificate-unusable': {
    retry: 'never',
    meaning: 'a certificate cannot be read as X.509',
  },
  /** Opening a session. */
  'challenge-mismatch': {
    retry: 'later',
    meaning: 'the request does not answer the challenge given to this connection',
  },
  /** The start: journal against the checkpoints it holds. */
  'checkpoint-contradiction': {
    retry: 'never',
    meaning: 'the tree is shorter than, or different from, a checkpoint that was signed',
  },
  /** The start. */
  'clock-behind': {
    retry: 'later',
    meaning: 'the system clock is behind the time of the last entry',
  },
  /** The start, while settings are read. */
  'config-invalid': {
    retry: 'never',
    meaning: 'the value of a setting is outside its range',
  },
  /** The start, while settings are read. */
  'config-unknown-key': {
    retry: 'never',
    meaning: 'a key or variable is not one of the settings',
  },
  /** The start, while settings are read. */
  'config-unreadable': {
    retry: 'never',
    meaning: 'the configuration file cannot be read as TOML',
  },
  /** An auditor's challenge to the TPM. */
  'credential-refused': {
    retry: 'never',
    meaning: "the challenge was made for another TPM, or another ledger's key, or was altered",
  },
  /** Devices: a call to the TPM or the token. */
  'device-deadline-exceeded': {
    retry: 'later',
    meaning: 'a TPM or token did not answer in time; the error says whether it may have changed',
  },
  /** Devices, while the emulators are made or started. */
  'device-emulator-failed': {
    retry: 'never',
    meaning: 'the software TPM or token could not be made or started',
  },
  /** Devices, from the process that owns them. */
  'device-helper-lost': {
    retry: 'later',
    meaning: 'the process that owns the TPM and the token has ended; the next call starts another',
  },
  /** Devices, at the start. */
  'device-holds-another-ledger': {
    retry: 'never',
    meaning: 'the TPM or token, or what is stored about it, belongs to another ledger',
  },
  /** Devices, at the start. */
  'device-mismatch': {
    retry: 'never',
    meaning: 'the TPM or token is not, or no longer, the one that was provisioned',
  },
  /** Devices: opening the TPM or the token. */
  'device-missing': {
    retry: 'later',
    meaning: 'the configured TPM or token is not there or does not answer',
  },
  /** Devices: every call. */
  'device-refused': {
    retry: 'later',
    meaning: 'the TPM or token answered a call with an error of its own',
  },
  /** Devices, at the start: what was stored when the TPM was provisioned. */
  'device-state-unreadable': {
    retry: 'never',
    meaning: 'what is stored about a device cannot be read or is not of its form',
  },
  /** Devices, at the start. */
  'device-unfit': {
    retry: 'never',
    meaning: 'the TPM or token lacks something that the ledger needs of it',
  },
  /** Devices: logging in to the token. */
  'device-wrong-pin': {
    retry: 'never',
    meaning: 'the token refused the PIN; it is not tried again, as a token may lock after a few',
  },
  /** Every submission, while there is little room; nothing of it was written. */
  'disk-low': {
    retry: 'later',
    meaning: 'there is less free room on the disk than the settings want for new submissions',
  },
  /** Enrolment. */
  'enrolment-invalid': {
    retry: 'never',
    meaning: 'the proof of possession does not hold for what it says',
  },
  /** Evidence: a reference read from the search index does not hold in the ledger. */
  'index-contradicts': {
    retry: 'later',
    meaning: 'the search index contradicts the ledger: that part of it is built again',
  },
  /** Opening a session. */
  'key-mismatch': {
    retry: 'never',
    meaning: 'the key that signed is not the one enrolled for the agent',
  },
  /** Every write; the process ends. */
  'ledger-failed': {
    retry: 'restart',
    meaning: 'the journal could not be made durable, or is not what was written',
  },
  /** Opening a session, and enrolment. */
  'ledger-mismatch': {
    retry: 'never',
    meaning: 'what was signed names another ledger',
  },
  /** The control socket. */
  'method-not-allowed': {
    retry: 'never',
    meaning: 'the path exists but does not take this method',
  },
  /** Enrolment. */
  'nonce-unknown': {
    retry: 'later',
    meaning: 'the nonce was not given by this daemon, is used, or is too old',
  },
  /** Evidence: a bundle of an entry that no anchor covers yet. */
  'not-anchored': {
    retry: 'later',
    meaning: 'no anchor covers the entry yet; the next one comes within the anchor interval',
  },
  /** The control socket. */
  'not-found': {
    retry: 'never',
    meaning: 'the ledger holds nothing under this name or number',
  },
  /** The control socket. */
  'not-ready': {
    retry: 'later',
    meaning: 'the answer needs something that is not there yet, such as a later checkpoint',
  },
  /** Recovery. */
  'nothing-to-recover': {
    retry: 'never',
    meaning: 'TPM and journal do not contradict each other',
  },
  /** Provisioning: the operators that are named. */
  'operator-key-unusable': {
    retry: 'never',
    meaning: 'an operator is named wrongly or twice, or has no key of a supported type',
  },
  /** Recovery, and every order of operators. */
  'operator-unknown': {
    retry: 'never',
    meaning: 'an order is signed by a key of no operator, or the ledger has none',
  },
  /** Recovery: an order that operators signed. */
  'order-expired': {
    retry: 'never',
    meaning: 'the order had to be carried out earlier',
  },
  /** Recovery: an order that operators signed. */
  'order-malformed': {
    retry: 'never',
    meaning: 'what was signed is no order, or one for something else',
  },
  /** Recovery: an order that operators signed. */
  'order-outdated': {
    retry: 'never',
    meaning: 'TPM or journal are no longer as the order describes them',
  },
  /** Recovery: an order that operators signed. */
  'order-used': {
    retry: 'never',
    meaning: 'the order was carried out already',
  },
  /** The control socket. */
  'path-unknown': {
    retry: 'never',
    meaning: 'the control socket has no such path',
  },
  /** Provisioning: the file of a PIN that is sealed now. */
  'pin-file-left': {
    retry: 'never',
    meaning: "the token's PIN is sealed, and the file that it came from cannot be removed",
  },
  /** Approving a boot for the token's PIN. */
  'pin-not-sealed': {
    retry: 'never',
    meaning: "the token's PIN is in a file: no boot needs an approval",
  },
  /** Provisioning: the state folder against what is asked for. */
  'provisioned-otherwise': {
    retry: 'never',
    meaning: 'the state folder has a ledger already that was founded with other names or operators',
  },
  /** The start. */
  'provisioning-unfinished': {
    retry: 'never',
    meaning: 'the ledger was begun by the provisioning command, which has not finished',
  },
  /** Provisioning: the keys that something is encrypted to. */
  'recipient-missing': {
    retry: 'never',
    meaning: 'nobody is named who could open what is handed over',
  },
  /** Opening a session, enrolment, the control socket. */
  'request-malformed': {
    retry: 'never',
    meaning: 'a request is not of its form',
  },
  /** The control socket. */
  'request-too-long': {
    retry: 'never',
    meaning: 'the body of a request is over its limit',
  },
  /** Taking up a session again. */
  'session-closed': {
    retry: 'never',
    meaning: 'the session has been closed',
  },
  /** Taking up a session again. */
  'session-taken': {
    retry: 'later',
    meaning: 'another connection carries the session',
  },
  /** Taking up a session again, and closing. */
  'session-unknown': {
    retry: 'never',
    meaning: 'this agent has no such session',
  },
  /** Opening a session. */
  'sessions-full': {
    retry: 'later',
    meaning: 'as many sessions are open as the settings allow',
  },
  /** Opening a session, and enrolment. */
  'signature-invalid': {
    retry: 'never',
    meaning: 'a signature does not verify under its key',
  },
  /** The start. */
  'socket-path-too-long': {
    retry: 'never',
    meaning: 'the path of a socket is longer than the kernel takes',
  },
  /** The start. */
  'socket-unusable': {
    retry: 'later',
    meaning: 'a socket cannot be made at its path',
  },
  /** The start. */
  'state-folder-unusable': {
    retry: 'never',
    meaning: 'the state folder is missing, not writable, or open to others',
  },
  /** All doors, during an orderly stop. */
  stopping: {
    retry: 'later',
    meaning: 'the daemon is stopping',
  },
  /** Any edge where a number becomes a branded unit. */
  'value-out-of-range': {
    retry: 'never',
    meaning: 'a number does not fit its unit: negative, fractional or too large',
  },
  /** Taking up a session again. */
  'writer-changed': {
    retry: 'never',
    meaning: 'another process than the one that opened the session asks for it',
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
