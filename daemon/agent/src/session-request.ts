/** The two other things an agent signs: its request for a session, and its enrolment. */
import {
  encodeEnrolmentRequest,
  encodeSessionRequest,
  ENROLMENT_TYPE,
  SESSION_TYPE,
} from '@kudurru/proof';

import type { SigningKey } from './key.ts';
import type { Welcome } from './messages.ts';
import { signCose } from './submission.ts';

export interface SessionChoice {
  readonly agentId: string;
  readonly client: string;
  /** The session to take up again, or null for a new one. */
  readonly resumeSessionId: Uint8Array | null;
}

/** COSE_Sign1 that opens or resumes a session (SPEC §6). */
export function signSessionRequest(
  key: SigningKey,
  welcome: Welcome,
  choice: SessionChoice,
): Uint8Array {
  const { ledgerId, challenge } = welcome;
  const payload = encodeSessionRequest({ version: 1, ledgerId, challenge, ...choice });
  return signCose(key, { type: SESSION_TYPE, payload });
}

export interface Enrolment {
  /** 32 bytes; the ledger tells it. */
  readonly ledgerId: Uint8Array;
  /** 32 bytes; the ledger makes a fresh one for each enrolment. */
  readonly nonce: Uint8Array;
  /** `spiffe://<trust domain>/agent/<name>`. */
  readonly agentId: string;
  /** Named human or team accountable for the agent, 1-256 bytes. */
  readonly owner: string;
  /** What the agent is for, 1-1024 bytes. */
  readonly purpose: string;
}

/** COSE_Sign1 that proves possession of `key` when its agent is enrolled (SPEC §7.3). */
export function signEnrolment(key: SigningKey, enrolment: Enrolment): Uint8Array {
  const payload = encodeEnrolmentRequest({ version: 1, ...enrolment, key: key.coseKey });
  return signCose(key, { type: ENROLMENT_TYPE, payload });
}
