/** Enrolment of an agent: a proof that it has the key it names (SPEC.md §7.3). */
import { decodeCoseKey, decodeEnrolment, verifySign1, type PublicKey } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { AgentRegistry } from './agents.ts';
import type { Nonces } from './nonces.ts';
import { decodeSigned, requireLedger } from './signed.ts';

export interface ProvenEnrolment {
  readonly agentId: string;
  readonly owner: string;
  readonly purpose: string;
  /** COSE_Key as the agent encoded it. */
  readonly keyBytes: Uint8Array;
  readonly key: PublicKey;
}

export interface EnrolmentContext {
  readonly ledgerId: Uint8Array;
  readonly nonces: Nonces;
  readonly agents: AgentRegistry;
}

/**
 * The enrolment, proven and for an id that is free. Uses up its nonce.
 * @throws KudurruError `request-malformed`, `ledger-mismatch`, `enrolment-invalid`,
 * `signature-invalid`, `nonce-unknown`, `agent-exists`
 */
export function readEnrolment(bytes: Uint8Array, context: EnrolmentContext): ProvenEnrolment {
  const { sign1, content } = decodeSigned('enrolment', () => decodeEnrolment(bytes));
  const { agentId, owner, purpose, key: keyBytes } = content;
  requireLedger('enrolment', content.ledgerId, context.ledgerId);
  const key = decodeSigned('key of the enrolment', () => decodeCoseKey(keyBytes));
  if (!verifySign1(sign1, key)) {
    throw new KudurruError(
      'signature-invalid',
      'agent not enrolled: the proof of possession is not signed with the key that it names',
    );
  }
  context.agents.requireFree(agentId);
  context.nonces.take(content.nonce);
  return { agentId, owner, purpose, keyBytes, key };
}
