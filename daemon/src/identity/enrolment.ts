/** Enrolment of an agent: a proof that it has the key it names (SPEC.md §7.3). */
import { decodeCoseKey, ProofError, verifySign1, type PublicKey } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { AgentRegistry } from './agents.ts';
import type { Nonces } from './nonces.ts';
import { isHash, isText, malformed, readSignedArray } from './signed-array.ts';

export interface EnrolmentRequest {
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

const what = 'enrolment';
const form = { what, type: 'application/kudurru-enrolment+cose', length: 7 } as const;
const agentIdSizeBytes = { min: 1, max: 512 } as const;
const ownerSizeBytes = { min: 1, max: 256 } as const;
const purposeSizeBytes = { min: 1, max: 1024 } as const;

/**
 * The enrolment, proven and for an id that is free. Uses up its nonce.
 * @throws KudurruError `request-malformed`, `ledger-mismatch`, `enrolment-invalid`,
 * `signature-invalid`, `nonce-unknown`, `agent-exists`
 */
export function readEnrolment(bytes: Uint8Array, context: EnrolmentContext): EnrolmentRequest {
  const { sign1, members } = readSignedArray(bytes, form, context.ledgerId);
  const [nonce, agentId, owner, purpose, keyBytes] = members;
  if (!isHash(nonce)) throw malformed(what, 'its nonce does not have 32 bytes');
  if (!isText(agentId, agentIdSizeBytes)) throw malformed(what, 'its agent id is no text');
  if (!isText(owner, ownerSizeBytes)) throw malformed(what, 'its owner is not 1 to 256 bytes');
  if (!isText(purpose, purposeSizeBytes)) {
    throw malformed(what, 'its purpose is not 1 to 1024 bytes');
  }
  if (!(keyBytes instanceof Uint8Array)) throw malformed(what, 'its key is no byte string');
  const key = readKey(keyBytes);
  if (!verifySign1(sign1, key)) {
    throw new KudurruError(
      'signature-invalid',
      'agent not enrolled: the proof of possession is not signed with the key that it names',
    );
  }
  context.agents.requireFree(agentId);
  context.nonces.take(nonce);
  return { agentId, owner, purpose, keyBytes, key };
}

function readKey(bytes: Uint8Array): PublicKey {
  try {
    return decodeCoseKey(bytes);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new KudurruError('enrolment-invalid', `agent not enrolled: ${cause.message}`, { cause });
  }
}
