import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { encodeCbor } from '../src/cbor.ts';
import { leafHash, nodeHash } from '../src/merkle.ts';
import { ZERO_HASH } from '../src/sha256.ts';
import type { StatementPayload } from '../src/statement.ts';
import {
  decodeEnrolment,
  decodeSessionRequest,
  decodeStatement,
  encodeSessionRequest,
  encodeStatementPayload,
  SESSION_TYPE,
  STATEMENT_TYPE,
  statementRoot,
} from '../src/statement.ts';
import { coseSign, ed25519Signer, seed } from './corpus/keys.ts';

const signer = ed25519Signer('statement test');
const payload: StatementPayload = {
  version: 1,
  ledgerId: seed('ledger'),
  sessionId: seed('session'),
  firstSequence: 0n,
  previousStatementHash: ZERO_HASH,
  actionCount: 1,
  root: seed('root'),
};
const invalid = { code: 'statement-invalid' };

describe('statement', () => {
  it('survives encoding inside its COSE_Sign1', () => {
    const encoded = coseSign(signer, STATEMENT_TYPE, encodeStatementPayload(payload));
    assert.deepEqual(decodeStatement(encoded).content, payload);
  });

  it('is bounded, and zero stands before the first statement only', () => {
    const changes: Partial<StatementPayload>[] = [
      { actionCount: 0 },
      { actionCount: 1025 },
      { firstSequence: 2n ** 53n },
      { ledgerId: new Uint8Array(31) },
      { previousStatementHash: seed('one before') },
      { firstSequence: 1n },
    ];
    for (const change of changes) {
      assert.throws(() => encodeStatementPayload({ ...payload, ...change }), invalid);
    }
    const later = { firstSequence: 1n, previousStatementHash: seed('one before') };
    assert.doesNotThrow(() => encodeStatementPayload({ ...payload, ...later, actionCount: 1024 }));
    const last = { ...payload, ...later, firstSequence: 2n ** 53n - 2n };
    assert.doesNotThrow(() => encodeStatementPayload({ ...last, actionCount: 2 }));
    assert.throws(() => encodeStatementPayload({ ...last, actionCount: 3 }), invalid);
  });

  it('of one type is not taken for another', () => {
    const statement = coseSign(signer, STATEMENT_TYPE, encodeStatementPayload(payload));
    assert.throws(() => decodeSessionRequest(statement), /typ is/);
    assert.throws(() => decodeEnrolment(statement), /typ is/);
    const request = encodeSessionRequest({
      version: 1,
      ledgerId: seed('ledger'),
      challenge: seed('challenge'),
      agentId: 'spiffe://ledger.example/agent/clerk',
      client: 'test',
      resumeSessionId: null,
    });
    const asStatement = coseSign(signer, STATEMENT_TYPE, request);
    assert.throws(() => decodeStatement(asStatement), invalid);
    const session = decodeSessionRequest(coseSign(signer, SESSION_TYPE, request));
    assert.equal(session.content.client, 'test');
    assert.throws(() => decodeStatement(coseSign(signer, STATEMENT_TYPE, encodeCbor(1))), invalid);
  });

  it("roots are RFC 6962's over the envelopes", () => {
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
    assert.deepEqual(statementRoot([a]), leafHash(a));
    assert.deepEqual(statementRoot([a, b]), nodeHash(leafHash(a), leafHash(b)));
  });
});
