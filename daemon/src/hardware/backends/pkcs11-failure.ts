/** From PKCS#11 return values (v2.40 §5.1, pkcs11t.h) to what the ledger understands. */
import pkcs11js from 'pkcs11js';

import { type ErrorCode, reasonOf } from '../../base/errors.ts';
import { DeviceError } from '../device-error.ts';

/** The session, the login or the object handles are gone; a new login finds everything again. */
const stale: ReadonlySet<number> = new Set([
  pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED,
  pkcs11js.CKR_KEY_HANDLE_INVALID,
  pkcs11js.CKR_OBJECT_HANDLE_INVALID,
  pkcs11js.CKR_OPERATION_ACTIVE,
  pkcs11js.CKR_SESSION_CLOSED,
  pkcs11js.CKR_SESSION_HANDLE_INVALID,
  pkcs11js.CKR_USER_NOT_LOGGED_IN,
]);

/** What modules answer when they do not say why: a token behind a network that was cut, often. */
const unclear: ReadonlySet<number> = new Set([
  pkcs11js.CKR_FUNCTION_FAILED,
  pkcs11js.CKR_GENERAL_ERROR,
]);

/** The token itself is away. */
const away: ReadonlySet<number> = new Set([
  pkcs11js.CKR_DEVICE_ERROR,
  pkcs11js.CKR_DEVICE_REMOVED,
  pkcs11js.CKR_SLOT_ID_INVALID,
  pkcs11js.CKR_TOKEN_NOT_PRESENT,
  pkcs11js.CKR_TOKEN_NOT_RECOGNIZED,
]);

const pinRefused: ReadonlySet<number> = new Set([
  pkcs11js.CKR_PIN_EXPIRED,
  pkcs11js.CKR_PIN_INCORRECT,
  pkcs11js.CKR_PIN_INVALID,
  pkcs11js.CKR_PIN_LEN_RANGE,
  pkcs11js.CKR_PIN_LOCKED,
]);

function codeOf(error: unknown): number | undefined {
  return error instanceof pkcs11js.Pkcs11Error ? error.code : undefined;
}

export function hasCode(error: unknown, code: number): boolean {
  return codeOf(error) === code;
}

/** Worth one repetition with everything opened anew; nothing that is asked changes the token. */
export function isWorthReopening(error: unknown): boolean {
  const code = codeOf(error);
  return isStale(error) || (code !== undefined && unclear.has(code));
}

/** Logging in again may cure it. */
export function isStale(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && (stale.has(code) || away.has(code));
}

export function isPinRefused(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && pinRefused.has(code);
}

/** `what` is the call: 'signature of the log'. */
export function tokenErrorFrom(what: string, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  const code: ErrorCode = isStale(error) ? 'device-missing' : 'device-refused';
  return new DeviceError(code, `${what} not done: ${reasonOf(error)}`, { cause: error });
}
