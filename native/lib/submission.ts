// The native check of a submit frame's payload (SPEC.md §6), as far as it goes without the ledger:
// ledger, session, sequence, signer and signature are not its business.
import { checkBytes } from './arguments.ts';
import { nativePart } from './load.ts';

/** Why a submission is refused; the code of a `refused` answer. 'none': it is well formed. */
export type SubmissionCode =
  | 'none'
  | 'cbor-malformed'
  | 'submission-malformed'
  | 'too-many-actions'
  | 'statement-malformed'
  | 'algorithm-unknown'
  | 'action-count-mismatch'
  | 'root-mismatch'
  | 'envelope-invalid'
  | 'envelope-too-long'
  | 'body-malformed'
  | 'body-size-invalid'
  | 'body-missing'
  | 'body-unexpected'
  | 'commitment-mismatch'
  | 'salt-repeated';

export interface SubmissionVerdict {
  readonly code: SubmissionCode;
  /** For people: what is wrong and where. */
  readonly message: string;
  /** Position in the statement of the action at fault, −1 where it is none's. */
  readonly action: number;
  /** Key of the envelope or field of the body at fault, −1 where it is none's. */
  readonly field: number;
}

interface SubmissionPart {
  checkSubmission(payload: Uint8Array): SubmissionVerdict;
}

const native = nativePart<SubmissionPart>();

export function checkSubmission(payload: Uint8Array): SubmissionVerdict {
  checkBytes(payload, 'payload');
  return native.checkSubmission(payload);
}
