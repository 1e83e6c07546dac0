import assert from 'node:assert/strict';

import { generateKey } from '@kudurru/agent';
import { encodeCbor, sha256 } from '@kudurru/proof';
import { after, afterEach, before, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { requireNothingLeft, Scenario, scenarioTimeoutMs } from './scenario.ts';
import { cborFrame, FRAME, frameOf } from './wire-client.ts';
import { freshBody, WireSession, type Body } from './wire-session.ts';

const bodySizeBytesMax = 262_144;
const actionsMax = 1024;
const other32 = sha256(new Uint8Array(1));

/** A submission made wrong in one way, and what it is refused with. */
interface Case {
  readonly what: string;
  readonly code: string;
  readonly frame: (session: WireSession) => Uint8Array;
  /** The daemon could not read which statement it is. */
  readonly isUnreadable?: true;
}

const CASES: readonly Case[] = [
  {
    what: 'a signature by another key',
    code: 'signature-invalid',
    frame: (session) => session.make({ signer: generateKey() }).frame,
  },
  {
    what: 'a key that is not enrolled',
    code: 'key-mismatch',
    frame: (session) => session.make({ key: generateKey() }).frame,
  },
  {
    what: 'a key of the other algorithm',
    code: 'key-mismatch',
    frame: (session) => session.make({ key: generateKey('ESP256') }).frame,
  },
  {
    what: 'a statement for another ledger',
    code: 'ledger-mismatch',
    frame: (session) => session.make({ ledgerId: other32 }).frame,
  },
  {
    what: 'a statement for another session',
    code: 'session-mismatch',
    frame: (session) => session.make({ sessionId: other32 }).frame,
  },
  {
    what: 'a gap in the sequence',
    code: 'sequence-gap',
    frame: (session) => session.make({ firstSequence: 1000 }).frame,
  },
  {
    what: 'another statement at a place already taken',
    code: 'sequence-taken',
    frame: (session) =>
      session.make({ firstSequence: 0, previousStatementHash: new Uint8Array(32) }).frame,
  },
  {
    what: 'a statement that begins inside another',
    code: 'sequence-taken',
    frame: (session) => session.make({ firstSequence: 1 }).frame,
  },
  {
    what: 'a statement that follows another than the last',
    code: 'previous-statement-mismatch',
    frame: (session) => session.make({ previousStatementHash: other32 }).frame,
  },
  {
    what: 'a root that is not that of its envelopes',
    code: 'root-mismatch',
    frame: (session) => session.make({ root: other32 }).frame,
  },
  {
    what: 'a count that is not that of its envelopes',
    code: 'action-count-mismatch',
    frame: (session) => session.make({ actionCount: 2 }).frame,
  },
  {
    what: 'a body other than the one committed to',
    code: 'commitment-mismatch',
    frame: (session) => {
      const body = freshBody();
      return session.make({ bodies: [body], sentBodies: [{ ...body, bytes: text('jello') }] })
        .frame;
    },
  },
  {
    what: 'a salt other than the one committed to',
    code: 'commitment-mismatch',
    frame: (session) => {
      const body = freshBody();
      return session.make({ bodies: [body], sentBodies: [{ ...body, salt: other32 }] }).frame;
    },
  },
  {
    what: 'a repeated salt',
    code: 'salt-repeated',
    frame: (session) => {
      const { salt } = freshBody();
      const bodies = [
        { salt, bytes: text('a') },
        { salt, bytes: text('b') },
      ];
      return session.make({ bodies }).frame;
    },
  },
  {
    what: 'a body of 0 bytes',
    code: 'body-size-invalid',
    frame: (session) => {
      const body = freshBody();
      return session.make({ bodies: [body], sentBodies: [{ ...body, bytes: text('') }] }).frame;
    },
  },
  {
    what: 'a body over the limit',
    code: 'body-size-invalid',
    frame: (session) => {
      const body = freshBody(new Uint8Array(bodySizeBytesMax + 1));
      return session.make({ bodies: [body] }).frame;
    },
  },
  {
    what: 'a body that was promised and did not come',
    code: 'body-missing',
    frame: (session) => session.make({ sentBodies: [] }).frame,
  },
  {
    what: 'a body that nothing announces',
    code: 'body-unexpected',
    frame: (session) => {
      const body = freshBody();
      return session.make({ bodies: [body], sentBodies: [body, freshBody()] }).frame;
    },
  },
  {
    what: '1025 actions',
    code: 'too-many-actions',
    frame: (session) => session.make({ bodies: manyBodies(actionsMax + 1) }).frame,
  },
  {
    what: 'no action',
    code: 'too-many-actions',
    frame: (session) => session.make({ bodies: [], root: other32 }).frame,
  },
  {
    what: 'an envelope with duplicate keys',
    code: 'cbor-malformed',
    frame: (session) => withEnvelope(session, Uint8Array.of(0xa2, 1, 1, 1, 1)),
  },
  {
    what: 'an envelope whose keys do not ascend',
    code: 'cbor-malformed',
    frame: (session) => withEnvelope(session, Uint8Array.of(0xa2, 2, 1, 1, 1)),
  },
  {
    what: 'an envelope with a number that is not the shortest',
    code: 'cbor-malformed',
    frame: (session) => withEnvelope(session, Uint8Array.of(0xa1, 1, 0x18, 1)),
  },
  {
    what: 'an envelope that breaks the schema',
    code: 'envelope-invalid',
    frame: (session) => withEnvelope(session, encodeCbor(new Map([[1, 1]]))),
  },
  {
    what: 'an envelope of a version to come',
    code: 'envelope-invalid',
    frame: (session) => withEnvelope(session, encodeCbor(new Map([[1, 2]]))),
  },
  {
    what: 'an envelope over the limit',
    code: 'envelope-too-long',
    frame: (session) => withEnvelope(session, new Uint8Array(16_385)),
  },
  {
    what: 'a level that is not offered',
    code: 'level-not-offered',
    frame: (session) => session.make({ level: 3 }).frame,
  },
  {
    what: 'a level that is none',
    code: 'submission-malformed',
    frame: (session) => session.make({ level: 4 }).frame,
  },
  {
    what: 'something else than a statement',
    code: 'statement-malformed',
    frame: () => cborFrame(FRAME.submit, [Uint8Array.of(0xf6), [Uint8Array.of(0xa0)], [], 1]),
    isUnreadable: true,
  },
  {
    what: 'a payload that is another array',
    code: 'submission-malformed',
    frame: () => cborFrame(FRAME.submit, [1, 2]),
    isUnreadable: true,
  },
  {
    what: 'a payload of no fixed length',
    code: 'cbor-malformed',
    frame: () => frameOf(FRAME.submit, Uint8Array.of(0x9f, 0xff)),
    isUnreadable: true,
  },
  {
    what: 'a payload with a byte behind it',
    code: 'cbor-malformed',
    frame: (session) => frameOf(FRAME.submit, withByteBehind(session.make().frame.subarray(5))),
  },
  {
    what: 'a payload of garbage',
    code: 'submission-malformed',
    frame: () => frameOf(FRAME.submit, new Uint8Array(1000).fill(0xff)),
    isUnreadable: true,
  },
];

describe('bad statements', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let bystander: WireSession;
  let session: WireSession;

  before(async () => {
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('honest');
    bystander = await WireSession.open(scenario.appliance.agentSocket, enrolled);
    session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
    await session.submit([freshBody(), freshBody(), freshBody()]);
  });
  after(async () => {
    bystander.client.destroy();
    session.client.destroy();
    await scenario.end();
  });
  afterEach('this connection and another are served as before', async () => {
    await session.submit();
    await bystander.submit();
  });

  for (const { what, code, frame, isUnreadable } of CASES) {
    it(`refuses ${what}: ${code}`, () =>
      requireNothingLeft(scenario, async () => {
        session.client.send(frame(session));
        const refusal = await session.client.refusal();
        assert.equal(refusal.code, code, refusal.message);
        assert.equal(refusal.retry, 0);
        assert.ok(refusal.message.length > 0);
        assert.equal(refusal.firstSequence === null, isUnreadable === true);
      }));
  }

  it('commits the good ones that stand between bad ones', async () => {
    const first = session.make();
    session.client.send(first.frame);
    session.client.send(session.make({ root: other32 }).frame);
    session.passed(first);
    const second = session.make();
    session.client.send(second.frame);
    session.passed(second);
    await session.receipt();
    assert.equal((await session.client.refusal()).code, 'root-mismatch');
    await session.receipt();
  });

  it('takes as much as the format allows', async () => {
    await session.submit(manyBodies(actionsMax));
    await session.submit([freshBody(new Uint8Array(bodySizeBytesMax))]);
  });

  it('has files that are whole afterwards', () => scenario.requireWhole());
});

function manyBodies(count: number): readonly Body[] {
  return Array.from({ length: count }, () => freshBody());
}

/** A submission of this one envelope, which needs no body. */
function withEnvelope(session: WireSession, envelope: Uint8Array): Uint8Array {
  return session.make({ envelopes: [envelope], sentBodies: [] }).frame;
}

function withByteBehind(bytes: Uint8Array): Uint8Array {
  return new Uint8Array([...bytes, 0]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
