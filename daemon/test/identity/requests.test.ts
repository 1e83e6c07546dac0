import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { encodeCbor, encodeCoseKey, type CborValue } from '@kudurru/proof';

import { isKudurruError, type ErrorCode } from '../../src/base/errors.ts';
import { leafIndex, taiNs } from '../../src/base/units.ts';
import { AgentRegistry } from '../../src/identity/agents.ts';
import { readEnrolment } from '../../src/identity/enrolment.ts';
import { Nonces } from '../../src/identity/nonces.ts';
import { readSessionRequest } from '../../src/identity/session-request.ts';
import { makeSigner, type Signer } from './signer.ts';

const ledgerId = new Uint8Array(32).fill(1);
const challenge = new Uint8Array(32).fill(2);
const agentId = 'spiffe://example.org/agent/builder-1';
const own = makeSigner();
const other = makeSigner();

describe('session request', () => {
  const good: readonly CborValue[] = [1, ledgerId, challenge, agentId, 'client 1.0', null];

  it('names the agent whose key signed it', () => {
    const request = readSessionRequest(signed(good), context());
    assert.equal(request.agent.name, 'builder-1');
    assert.equal(request.resumeSessionId, null);
    const resumed = readSessionRequest(signed(good.with(5, ledgerId)), context());
    assert.deepEqual(resumed.resumeSessionId, ledgerId);
  });

  const bad: readonly (readonly [string, ErrorCode, () => Uint8Array])[] = [
    ['another ledger', 'ledger-mismatch', () => signed(good.with(1, challenge))],
    ['another challenge', 'challenge-mismatch', () => signed(good.with(2, ledgerId))],
    ['a stranger', 'agent-unknown', () => signed(good.with(3, `${agentId}x`))],
    ['another key', 'key-mismatch', () => signed(good, { key: other })],
    ['a false key id', 'signature-invalid', () => signed(good, { key: other, named: own })],
    ['version 2', 'request-malformed', () => signed(good.with(0, 2))],
    ['a member too many', 'request-malformed', () => signed([...good, null])],
    ['a short challenge', 'request-malformed', () => signed(good.with(2, new Uint8Array(31)))],
    ['a client without name', 'request-malformed', () => signed(good.with(4, ''))],
    ['a control character', 'request-malformed', () => signed(good.with(4, 'a\nb'))],
    ['a long client', 'request-malformed', () => signed(good.with(4, 'x'.repeat(129)))],
    ['an odd session', 'request-malformed', () => signed(good.with(5, 5))],
    ['an enrolment', 'request-malformed', () => signed(good, { type: 'enrolment' })],
    ['no COSE', 'request-malformed', () => Uint8Array.of(0x80)],
    ['no array', 'request-malformed', () => signed(5)],
  ];
  for (const [what, code, make] of bad) {
    it(`is refused with ${what}`, () => {
      refused(code, () => readSessionRequest(make(), context()));
    });
  }

  function signed(payload: readonly CborValue[] | number, given: Given = {}): Uint8Array {
    return signPayload(payload, { type: 'session', ...given });
  }

  function context() {
    const agents = new AgentRegistry('example.org');
    agents.add({
      agentIndex: leafIndex(2n),
      agentId,
      owner: 'team',
      purpose: 'builds',
      key: own.publicKey,
      enrolledByUid: 0,
      enrolledAt: taiNs(1n),
    });
    return { ledgerId, challenge, agents };
  }
});

describe('enrolment', () => {
  const keyBytes = encodeCoseKey(own.publicKey);

  it('proves the key it names, once for each nonce', () => {
    const { context, payload } = begin();
    const enrolment = readEnrolment(sign1(payload), context);
    assert.equal(enrolment.agentId, agentId);
    assert.deepEqual(enrolment.key, own.publicKey);
    refused('nonce-unknown', () => readEnrolment(sign1(payload), context));
  });

  it('does not use up the nonce when the signature is false', () => {
    const { context, payload } = begin();
    refused('signature-invalid', () => readEnrolment(sign1(payload, { key: other }), context));
    readEnrolment(sign1(payload), context);
  });

  const bad: readonly (readonly [string, ErrorCode, number, CborValue])[] = [
    ['another ledger', 'ledger-mismatch', 1, challenge],
    ['a nonce of its own', 'nonce-unknown', 2, challenge],
    ['another trust domain', 'enrolment-invalid', 3, 'spiffe://example.com/agent/a'],
    ['a name in capitals', 'request-malformed', 3, 'spiffe://example.org/agent/Builder'],
    ['an operator id', 'request-malformed', 3, 'spiffe://example.org/operator/a'],
    ['an owner without name', 'request-malformed', 4, ''],
    ['a long purpose', 'request-malformed', 5, 'x'.repeat(1025)],
    ['a key with fewer members', 'request-malformed', 6, encodeCbor(new Map([[1, 1]]))],
    ['a key that is text', 'request-malformed', 6, 'key'],
  ];
  for (const [what, code, member, value] of bad) {
    it(`is refused with ${what}`, () => {
      const { context, payload } = begin();
      refused(code, () => readEnrolment(sign1(payload.with(member, value)), context));
    });
  }

  function begin() {
    const nonces = new Nonces(() => 0);
    const agents = new AgentRegistry('example.org');
    const payload: readonly CborValue[] = [
      1,
      ledgerId,
      nonces.give(),
      agentId,
      'team',
      'builds',
      keyBytes,
    ];
    return { context: { ledgerId, nonces, agents }, payload };
  }

  function sign1(payload: readonly CborValue[], given: Given = {}): Uint8Array {
    return signPayload(payload, { type: 'enrolment', ...given });
  }
});

describe('agent registry', () => {
  it('has an id once', () => {
    const agents = new AgentRegistry('example.org');
    const enrolment = {
      agentIndex: leafIndex(2n),
      agentId,
      owner: 'team',
      purpose: 'builds',
      key: own.publicKey,
      enrolledByUid: 0,
      enrolledAt: taiNs(1n),
    };
    const agent = agents.add(enrolment);
    refused('agent-exists', () => agents.add({ ...enrolment, agentIndex: leafIndex(3n) }));
    assert.equal(agents.byName('builder-1'), agent);
    assert.equal(agents.byIndex(leafIndex(2n)), agent);
    assert.equal(agents.byName('builder-2'), null);
  });
});

interface Given {
  readonly type?: string;
  readonly key?: Signer;
  readonly named?: Signer;
}

function signPayload(payload: readonly CborValue[] | number, given: Given): Uint8Array {
  const { type = '', key = own, named = key } = given;
  return key.sign(`application/kudurru-${type}+cose`, encodeCbor(payload), named.publicKey);
}

function refused(code: ErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => isKudurruError(error, code));
}
