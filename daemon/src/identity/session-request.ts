/** The request with which an agent opens a session, or takes one up again (SPEC.md §6). */
import { equalBytes, verifySign1 } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Agent, AgentRegistry } from './agents.ts';
import { isHash, isText, malformed, readSignedArray } from './signed-array.ts';

export interface SessionRequest {
  readonly agent: Agent;
  /** What the client says it is. */
  readonly client: string;
  /** Null opens a new session. */
  readonly resumeSessionId: Uint8Array | null;
}

export interface RequestContext {
  readonly ledgerId: Uint8Array;
  /** What this connection was told to answer. */
  readonly challenge: Uint8Array;
  readonly agents: AgentRegistry;
}

const what = 'session request';
const form = { what, type: 'application/kudurru-session+cose', length: 6 } as const;
const clientSizeBytes = { min: 1, max: 128 } as const;
const agentIdSizeBytes = { min: 1, max: 512 } as const;

/**
 * The request, signed by the key of the agent that it names.
 * @throws KudurruError `request-malformed`, `ledger-mismatch`, `challenge-mismatch`,
 * `agent-unknown`, `key-mismatch`, `signature-invalid`
 */
export function readSessionRequest(bytes: Uint8Array, context: RequestContext): SessionRequest {
  const { sign1, members } = readSignedArray(bytes, form, context.ledgerId);
  const [challenge, agentId, client, resumeSessionId] = members;
  if (!isHash(challenge)) throw malformed(what, 'its challenge does not have 32 bytes');
  if (!isText(agentId, agentIdSizeBytes)) throw malformed(what, 'its agent id is no text');
  if (!isText(client, clientSizeBytes)) throw malformed(what, 'its client is not 1 to 128 bytes');
  if (resumeSessionId !== null && !isHash(resumeSessionId)) {
    throw malformed(what, 'the session to take up does not have 32 bytes');
  }
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
  return { agent, client, resumeSessionId };
}
