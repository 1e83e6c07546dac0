import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import type { CborKey, CborValue } from '../src/cbor.ts';
import { decodeCbor, encodeCbor } from '../src/cbor.ts';
import type { Envelope } from '../src/envelope.ts';
import {
  decodeEnvelope,
  encodeEnvelope,
  ENVELOPE_SIZE_BYTES_MAX,
  envelopeFromJson,
  envelopeToJson,
} from '../src/envelope.ts';
import type { Json } from '../src/schema.ts';
import { envelopes } from './support/arbitrary-envelope.ts';

const intent: Envelope = {
  version: 1,
  kind: 'intent',
  actionType: 'tool-call',
  operation: 'tools/call',
  coverage: 'mediated',
  commitments: [],
};
const reference = { session: new Uint8Array(32).fill(1), sequence: 0n };
const outcome: Envelope = {
  ...intent,
  kind: 'outcome',
  intent: reference,
  status: 'success',
  observedBy: 'bridge',
};
const observation: Envelope = { ...intent, kind: 'observation' };

describe('envelope', () => {
  it('survives CBOR and JSON unchanged, whatever it holds', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const encoded = encodeEnvelope(envelope);
        assert.deepEqual(decodeEnvelope(encoded), envelope);
        const json = JSON.parse(JSON.stringify(envelopeToJson(envelope))) as Json;
        assert.deepEqual(encodeEnvelope(envelopeFromJson(json)), encoded);
      }),
      { numRuns: 300 },
    );
  });

  it('has the bytes of SPEC.md §4', () => {
    const map = decodeCbor(encodeEnvelope({ ...outcome, durationNs: 5n }));
    const expected = new Map<CborKey, CborValue>([
      [1, 1],
      [2, 2],
      [3, 1],
      [4, 'tools/call'],
      [9, [reference.session, 0]],
      [11, 1],
      [16, 2],
      [20, []],
      [22, 2],
      [27, 5],
    ]);
    assert.deepEqual(map, expected);
  });

  it('reads in JSON as people write it', () => {
    const full: Envelope = {
      ...outcome,
      durationNs: 2n ** 60n,
      externalId: { scheme: 'tool-use', id: 'toolu_1' },
      commitments: [
        {
          field: 'output',
          length: 3,
          digest: new Uint8Array(32),
          mediaType: null,
          deposited: true,
        },
      ],
    };
    assert.deepEqual(envelopeToJson(full), {
      version: 1,
      kind: 'outcome',
      actionType: 'tool-call',
      operation: 'tools/call',
      intent: { session: '01'.repeat(32), sequence: 0 },
      status: 'success',
      externalId: { scheme: 'tool-use', id: 'toolu_1' },
      coverage: 'mediated',
      commitments: [
        { field: 'output', length: 3, digest: '00'.repeat(32), mediaType: null, deposited: true },
      ],
      observedBy: 'bridge',
      durationNs: '1152921504606846976',
    });
  });

  const refused: readonly (readonly [field: string, envelope: unknown])[] = [
    ['kind', { ...intent, kind: undefined }],
    ['operation', { ...intent, operation: undefined }],
    ['operation', { ...intent, operation: '' }],
    ['operation', { ...intent, operation: 'x'.repeat(257) }],
    ['operation', { ...intent, operation: 'a\nb' }],
    ['actionType', { ...intent, actionType: 'tool-cal' }],
    ['coverage', { ...intent, coverage: undefined }],
    ['commitments', { ...intent, commitments: undefined }],
    ['status', { ...intent, status: 'success' }],
    ['intent', { ...intent, intent: reference }],
    ['intent', { ...outcome, intent: undefined }],
    ['status', { ...outcome, status: undefined }],
    ['observedBy', { ...outcome, observedBy: undefined }],
    ['deadlineMs', { ...outcome, deadlineMs: 1 }],
    ['intent', { ...observation, intent: reference }],
    ['deadlineMs', { ...intent, deadlineMs: 0 }],
    ['deadlineMs', { ...intent, deadlineMs: 2_592_000_001 }],
    ['durationNs', { ...intent, durationNs: 1n }],
    ['durationNs', { ...outcome, durationNs: 2n ** 63n }],
    ['errorType', { ...intent, errorType: 'x' }],
    ['traceId', { ...intent, traceId: new Uint8Array(16) }],
    ['traceId', { ...intent, traceId: new Uint8Array(15).fill(1) }],
    ['spanId', { ...intent, spanId: new Uint8Array(8).fill(1) }],
    ['parents', { ...intent, parents: [] }],
    ['parents', { ...intent, parents: Array.from({ length: 17 }, () => reference) }],
    ['erasureScope', { ...intent, erasureScope: 'system' }],
    ['erasureScope', { ...intent, erasureScope: 'Upper' }],
    ['retryOf', { ...intent, retryOf: { session: new Uint8Array(31), sequence: 0n } }],
    ['retryOf', { ...intent, retryOf: { session: new Uint8Array(32), sequence: 2n ** 53n } }],
  ];
  for (const [field, envelope] of refused) {
    it(`names '${field}' when it refuses`, () => {
      const isRefusal = (error: Error & { code?: string }): boolean =>
        error.code === 'envelope-invalid' && error.message.startsWith(`envelope.${field}`);
      assert.throws(() => encodeEnvelope(envelope as Envelope), isRefusal);
      const json = envelopeToJson(envelope as Envelope);
      assert.throws(() => envelopeFromJson(json), isRefusal);
    });
  }

  it('refuses fields and members that it does not know, and commitments out of order', () => {
    const map = decodeCbor(encodeEnvelope(intent)) as Map<CborKey, CborValue>;
    assert.throws(() => decodeEnvelope(encodeCbor(new Map([...map, [1, 2] as const]))), /version/);
    for (const key of [0, 28, -1, 'kind']) {
      const more = encodeCbor(new Map([...map, [key, 1] as const]));
      assert.throws(() => decodeEnvelope(more), { code: 'envelope-invalid' });
    }
    const json = { ...envelopeToJson(intent), colour: 'red' };
    assert.throws(() => envelopeFromJson(json), /unknown member 'colour'/);
    const commitment = { length: 1, digest: new Uint8Array(32), mediaType: null, deposited: false };
    const commitments = (['output', 'input'] as const).map((field) => ({ field, ...commitment }));
    assert.throws(() => encodeEnvelope({ ...intent, commitments }), /do not ascend/);
    const twice = [commitments[1], commitments[1]] as Envelope['commitments'];
    assert.throws(() => encodeEnvelope({ ...intent, commitments: twice }), /do not ascend/);
  });

  it('refuses what is not a map, or is too long', () => {
    assert.throws(() => decodeEnvelope(encodeCbor([])), { code: 'envelope-invalid' });
    assert.throws(() => decodeEnvelope(new Uint8Array(0)), { code: 'cbor-malformed' });
    const tooLong = new Uint8Array(ENVELOPE_SIZE_BYTES_MAX + 1);
    assert.throws(() => decodeEnvelope(tooLong), { code: 'limit-exceeded' });
    for (const json of [null, [], 'x', 1] as Json[]) {
      assert.throws(() => envelopeFromJson(json), { code: 'envelope-invalid' });
    }
  });
});
