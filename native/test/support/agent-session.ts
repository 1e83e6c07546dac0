/** An agent with a key, its session, and what it signs in it. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import {
  encodeCbor,
  encodeEnvelope,
  encodeSign1,
  encodeStatementPayload,
  keyThumbprint,
  leafHash,
  sign1Message,
  STATEMENT_TYPE,
  type PublicKey,
} from '@kudurru/proof';

import type { SessionBinding } from '../../lib/index.ts';
import { FRAME, frameOf } from './agent-socket.ts';

export const ledgerId = new Uint8Array(32).fill(4);
export const sessionId = new Uint8Array(32).fill(5);
export const zeroHash = new Uint8Array(32);
const agent = generateKeyPairSync('ed25519');
export const agentPrivateKey = agent.privateKey;
const agentKey: PublicKey = {
  algorithm: 'Ed25519',
  bytes: new Uint8Array(agent.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)),
};
export const binding: SessionBinding = {
  sessionId,
  sessionIndex: 7n,
  sessionNumber: 0,
  nextSequence: 0,
  previousStatementHash: zeroHash,
  publicKey: agentKey.bytes,
  algorithm: -19,
};

/** One observation, signed by `signer` in the name of the agent's key. */
export function submitFrame(firstSequence: bigint, signer: KeyObject, level = 1): Uint8Array {
  const envelope = encodeEnvelope({
    version: 1,
    kind: 'observation',
    actionType: 'tool-call',
    operation: 'tools/call',
    coverage: 'self-reported',
    commitments: [],
  });
  const payload = encodeStatementPayload({
    version: 1,
    ledgerId,
    sessionId,
    firstSequence,
    previousStatementHash: zeroHash,
    actionCount: 1,
    root: leafHash(envelope),
  });
  const content = {
    algorithm: agentKey.algorithm,
    keyId: keyThumbprint(agentKey),
    type: STATEMENT_TYPE,
    payload,
  };
  const signature = new Uint8Array(sign(null, sign1Message(content), signer));
  const statement = encodeSign1({ ...content, signature });
  return frameOf(FRAME.submit, encodeCbor([statement, [envelope], [], level]));
}
