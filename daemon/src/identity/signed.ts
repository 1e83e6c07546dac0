/** What session requests and enrolments have in common: strict decoding, and this ledger's id. */
import { equalBytes, ProofError } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

/**
 * Runs `decode`; `what` names the bytes in the message. @throws KudurruError `request-malformed`
 */
export function decodeSigned<Decoded>(what: string, decode: () => Decoded): Decoded {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new KudurruError('request-malformed', `${what} not understood: ${cause.message}`, {
      cause,
    });
  }
}

/** @throws KudurruError `ledger-mismatch` */
export function requireLedger(what: string, named: Uint8Array, ours: Uint8Array): void {
  if (equalBytes(named, ours)) return;
  throw new KudurruError('ledger-mismatch', `${what} not accepted: it names another ledger`);
}
