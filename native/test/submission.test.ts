/**
 * The native check of submissions against the decoders of @kudurru/proof: what one accepts as an
 * envelope or a statement, the other accepts too, whatever was done to it.
 */
import assert from 'node:assert/strict';
import {
  commitmentDigest,
  decodeCbor,
  decodeEnvelope,
  decodeSign1,
  decodeStatement,
  encodeCbor,
  encodeEnvelope,
  encodeSign1,
  encodeStatementPayload,
  makeCommitment,
  ProofError,
  STATEMENT_TYPE,
  statementRoot,
} from '@kudurru/proof';
import type { CborKey, CborValue, Envelope, Opening } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { checkSubmission } from '../lib/index.ts';
import type { SubmissionCode } from '../lib/index.ts';

const h32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const reference = { session: h32(5), sequence: 9n };
const openings: Opening[] = [
  { field: 'input', salt: h32(1), bytes: Uint8Array.from([1, 2, 3]) },
  { field: 'target', salt: h32(2), bytes: Uint8Array.from([4]) },
];
const kept: Opening = { field: 'systemPrompt', salt: h32(3), bytes: Uint8Array.from([5, 6]) };

const shared = {
  version: 1,
  actionType: 'tool-call',
  operation: 'tools/call',
  tool: { name: 'write_file', server: 'files', schemaDigest: h32(6), protocolVersion: null },
  targetType: 'file',
  sideEffect: 'update',
  reversibility: 'reversible',
  parents: [reference],
  traceId: h32(7).subarray(16),
  spanId: h32(8).subarray(24),
  externalId: { scheme: 'json-rpc', id: '7' },
  coverage: 'mediated',
  model: { provider: 'provider', name: 'modèle', version: null, weightsDigest: h32(9) },
  rulesBelieved: h32(10),
  erasureScope: 'case-7',
  commitments: [
    ...openings.map((opening) => makeCommitment(opening, { mediaType: null, deposited: true })),
    makeCommitment(kept, { mediaType: 'text/plain', deposited: false }),
  ],
  agentVersion: '1.0',
  dataClass: 'internal',
  retryOf: reference,
  conversationId: 'c-1',
} as unknown as Envelope;

const envelopes: Uint8Array[] = [
  { ...shared, kind: 'intent', deadlineMs: 3000 },
  { ...shared, kind: 'outcome', intent: reference, status: 'failure', observedBy: 'bridge' },
  { ...shared, kind: 'observation', errorType: 'EACCES', durationNs: 2n ** 62n },
].map((envelope) => encodeEnvelope(envelope as unknown as Envelope));

function statementOver(submitted: readonly Uint8Array[]): Uint8Array {
  const payload = encodeStatementPayload({
    version: 1,
    ledgerId: h32(11),
    sessionId: h32(12),
    firstSequence: 70_000n,
    previousStatementHash: h32(13),
    actionCount: submitted.length,
    root: statementRoot(submitted),
  });
  return encodeSign1({
    algorithm: 'Ed25519',
    keyId: h32(14),
    type: STATEMENT_TYPE,
    payload,
    signature: new Uint8Array(64).fill(15),
  });
}

/** The bodies of the action at `offset`. */
function bodiesAt(offset: number): CborValue[] {
  return openings.map(({ salt, bytes }, i) => [offset, i === 0 ? 1 : 3, salt, bytes]);
}

function payloadOf(statement: Uint8Array, submitted: readonly Uint8Array[]): Uint8Array {
  return encodeCbor([statement, [...submitted], bodiesAt(0), 1]);
}

function codeOfEnvelope(envelope: Uint8Array): SubmissionCode {
  return checkSubmission(payloadOf(statementOver([envelope]), [envelope])).code;
}

/** Codes that say nothing against the envelope itself: its bodies may no longer fit it. */
const aboutBodies: readonly SubmissionCode[] = [
  'none',
  'body-missing',
  'body-unexpected',
  'commitment-mismatch',
];

function decodes(decode: (encoded: Uint8Array) => unknown, encoded: Uint8Array): boolean {
  try {
    decode(encoded);
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

/** Codes that say that the statement is none. */
const aboutStatement: readonly SubmissionCode[] = [
  'cbor-malformed',
  'statement-malformed',
  'algorithm-unknown',
  'too-many-actions',
];

const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });

function changed(original: Uint8Array, { at, byte }: { at: number; byte: number }): Uint8Array {
  const copy = original.slice();
  copy[at % copy.length] = byte;
  return copy;
}

const anyValue: fc.Arbitrary<CborValue> = fc.oneof(
  fc.integer({ min: -3, max: 40 }),
  fc.constantFrom<CborValue>(null, true, [], new Map(), '', 'system', 'a\u{7f}', '\u{feff}é'),
  fc.constantFrom<CborValue>(2_592_000_000, 2_592_000_001, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n),
  fc.string({ minLength: 60, maxLength: 260 }),
  fc.constantFrom<CborValue>(h32(0), h32(1), new Uint8Array(16), h32(1).subarray(24)),
  fc.constantFrom<CborValue>([h32(1), 5], [[h32(1), 5]], [1, 'x'], ['x', 'y', null, null]),
  fc.constantFrom<CborValue>([[1, 2, h32(1), null, 0]], [[1, 2, h32(1), 'text/plain', 2]]),
);

describe('submission', () => {
  it('accepts what proof encodes', () => {
    for (const envelope of envelopes) assert.equal(codeOfEnvelope(envelope), 'none');
  });

  it('has the digests of proof in its bodies', () => {
    const [first] = openings as [Opening, Opening];
    const other = commitmentDigest({ ...first, salt: h32(99) });
    const digest = Buffer.from(commitmentDigest(first)).toString('hex');
    const forged = Buffer.from(envelopes[0] ?? [])
      .toString('hex')
      .replace(digest, Buffer.from(other).toString('hex'));
    assert.equal(
      codeOfEnvelope(Uint8Array.from(Buffer.from(forged, 'hex'))),
      'commitment-mismatch',
    );
  });

  it('agrees with proof on envelopes with a changed byte', () => {
    fc.assert(
      fc.property(fc.constantFrom(...envelopes), change, (original, where) => {
        const envelope = changed(original, where);
        assert.equal(
          aboutBodies.includes(codeOfEnvelope(envelope)),
          decodes(decodeEnvelope, envelope),
          Buffer.from(envelope).toString('hex'),
        );
      }),
      { numRuns: 3000 },
    );
  }).timeout(60_000);

  it('agrees with proof on envelopes with a field replaced, added or left out', () => {
    let accepted = 0;
    const edits = fc.array(
      fc.tuple(fc.integer({ min: -1, max: 29 }), fc.option(anyValue, { nil: undefined })),
      { minLength: 1, maxLength: 2 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...envelopes), edits, (original, list) => {
        const map = new Map(decodeCbor(original) as ReadonlyMap<CborKey, CborValue>);
        for (const [key, value] of list) {
          if (value === undefined) map.delete(key);
          else map.set(key, value);
        }
        const envelope = encodeCbor(map);
        const { code, message } = checkSubmission(payloadOf(statementOver([envelope]), [envelope]));
        const native = aboutBodies.includes(code);
        assert.equal(native, decodes(decodeEnvelope, envelope), message);
        if (native) accepted++;
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 100, `only ${accepted} edited envelopes were still envelopes`);
  }).timeout(60_000);

  it('agrees with proof on statements with a changed byte', () => {
    const [envelope] = envelopes as [Uint8Array, Uint8Array, Uint8Array];
    const original = statementOver([envelope]);
    fc.assert(
      fc.property(change, (where) => {
        const statement = changed(original, where);
        const { code, message } = checkSubmission(payloadOf(statement, [envelope]));
        assert.equal(
          !aboutStatement.includes(code),
          decodes(decodeStatement, statement),
          `${message}: ${Buffer.from(statement).toString('hex')}`,
        );
      }),
      { numRuns: 2000 },
    );
  }).timeout(60_000);

  it('agrees with proof on statements with items replaced, added or left out', () => {
    const [envelope] = envelopes as [Uint8Array, Uint8Array, Uint8Array];
    const original = decodeSign1(statementOver([envelope]));
    const items = decodeCbor(original.payload) as readonly CborValue[];
    const edge = fc.oneof(
      anyValue,
      fc.constantFrom<CborValue>(0, 1, 1023, 1024, 1025, 2 ** 53 - 1024, 2 ** 53 - 2, 2 ** 53 - 1),
      fc.constantFrom<CborValue>(-9, -19, -8, 2n ** 53n, STATEMENT_TYPE, `${STATEMENT_TYPE} `),
    );
    const edits = fc.array(fc.tuple(fc.nat(7), edge), { minLength: 1, maxLength: 3 });
    const header = fc.array(fc.tuple(fc.constantFrom(1, 4, 16, -1, 'x'), edge), { maxLength: 1 });
    let accepted = 0;
    fc.assert(
      fc.property(edits, header, (list, labels) => {
        const payload = [...items];
        for (const [at, value] of list) payload[at] = value;
        const protectedHeader = new Map<CborKey, CborValue>([
          [1, -19],
          [4, original.keyId],
          [16, STATEMENT_TYPE],
          ...labels,
        ]);
        const parts = [encodeCbor(protectedHeader), new Map(), encodeCbor(payload)];
        const statement = encodeCbor({ tag: 18, value: [...parts, original.signature] });
        const { code, message } = checkSubmission(payloadOf(statement, [envelope]));
        const native = !aboutStatement.includes(code);
        assert.equal(native, decodes(decodeStatement, statement), message);
        if (native) accepted++;
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 30, `only ${accepted} edited statements were still statements`);
  }).timeout(60_000);

  it('names what is wrong, and where', () => {
    const submitted = [envelopes[2], envelopes[2]] as Uint8Array[];
    const statement = statementOver(submitted);
    const twice = encodeCbor([statement, submitted, [...bodiesAt(0), ...bodiesAt(1)], 1]);
    const { code, action, field, message } = checkSubmission(twice);
    assert.equal(code, 'salt-repeated');
    assert.deepEqual([action, field], [1, 1]);
    assert.match(message, /^two bodies have the same salt: .* \(action 1, field 1\)$/);
    assert.equal(
      checkSubmission(encodeCbor([statement, submitted, bodiesAt(0), 1])).code,
      'body-missing',
    );
    assert.equal(checkSubmission(new Uint8Array(0)).code, 'cbor-malformed');
    assert.throws(() => checkSubmission('text' as unknown as Uint8Array), TypeError);
  });
});
