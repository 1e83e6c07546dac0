/** From what the TPM bindings throw to what the ledger understands. */
import { TpmError, constants } from '@kudurru/tpm2-tss';

import type { ErrorCode } from '../../base/errors.ts';
import { reasonOf } from '../../base/errors.ts';
import { DeviceError } from '../device-error.ts';

/** TPM_RC_REFERENCE_H0 .. S6 (Part 2 §6.6.3): a handle no longer refers to anything. */
const firstReferenceCode = 0x910;
const lastReferenceCode = 0x91e;

/**
 * The TPM was reset under us, and has given the handle of one of our keys to another. What was
 * signed under that handle is not the attestation key's.
 */
export class KeyLostError extends DeviceError {
  constructor() {
    super(
      'device-refused',
      'TPM not used: it was reset meanwhile, and what it signed is not of the attestation key',
    );
  }
}

/**
 * The TPM was reset under us: what was loaded is gone, and it may wait for its start. The command
 * was refused, so it is safe to load everything again and send it once more.
 */
export function wasReset(error: unknown): boolean {
  if (error instanceof KeyLostError) return true;
  if (!(error instanceof TpmError) || error.failure !== 'refused') return false;
  const { code } = error;
  const gone = code >= firstReferenceCode && code <= lastReferenceCode;
  return gone || error.isTpmCode(constants.responseCode.initialize);
}

/** The connection can still be used after this failure. */
export function leavesConnection(error: unknown): boolean {
  if (!(error instanceof TpmError)) return true;
  return ['refused', 'argument', 'queue-full'].includes(error.failure);
}

export function deviceErrorFrom(what: string, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  const mayHaveChanged = error instanceof TpmError && error.mayHaveChanged;
  const advice = mayHaveChanged ? '; it may have been done all the same' : '';
  return new DeviceError(codeOf(error), `${what} not done: ${reasonOf(error)}${advice}`, {
    deviceMayHaveChanged: mayHaveChanged,
    cause: error,
  });
}

function codeOf(error: unknown): ErrorCode {
  if (!(error instanceof TpmError)) return 'device-refused';
  switch (error.failure) {
    case 'deadline':
      return 'device-deadline-exceeded';
    case 'lost':
    case 'transport':
      return 'device-missing';
    default:
      return 'device-refused';
  }
}
