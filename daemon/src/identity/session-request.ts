/** The request with which an agent opens a session, or takes one up again (SPEC.md §6). */
import { decodeSessionRequest, equalBytes, verifySign1 } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Agent, AgentRegistry } from './agents.ts';
import { decodeSigned, requireLedger } from './signed.ts';

export interface ProvenRequest {
  readonly agent: Agent;
  /** Null opens a new session. */
  readonly resumeSessionId: Uint8Array | null;
}

export interface RequestContext {
  readonly ledgerId: Uint8Array;
  /** What this connection was told to answer. */
  readonly challenge: Uint8Array;
  readonly agents: AgentRegistry;
}

/**
 * The request, signed by the key of the agent that it names.
 * @throws KudurruError `request-malformed`, `ledger-mismatch`, `challenge-mismatch`,
 * `agent-unknown`, `key-mismatch`, `signature-invalid`
 */
export function readSessionRequest(bytes: Uint8Array, context: RequestContext): ProvenRequest {
  const { sign1, content } = decodeSigned('session request', () => decodeSessionRequest(bytes));
  const { agentId, challenge, resumeSessionId } = content;
  requireLedger('session request', content.ledgerId, context.ledgerId);
  if (!equalBytes(challenge, context.challenge)) {
    throw new KudurruError(
      'challenge-mismatch',
      'session request not accepted: it answers the challenge of another connection',
    );
  }
  const agent = context.agents.byId(agentId);
  if (!equalBytes(sign1.keyId, agent.keyId) || sign1.algorithm !== agent.key.algorithm) {
    throw new KudurruError(
      'key-mismatch',
      `session request not accepted: it is not signed with the key enrolled for "${agentId}"`,
    );
  }
  if (!verifySign1(sign1, agent.key)) {
    throw new KudurruError(
      'signature-invalid',
      `session request not accepted: its signature does not verify under the key of "${agentId}"`,
    );
  }
  return { agent, resumeSessionId };
}
