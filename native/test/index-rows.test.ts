/** Rows of the search index as the addon reads them, against the decoders of @kudurru/proof. */
import assert from 'node:assert/strict';
import { encodeEntry, formatEntryBundle, leafHash, ZERO_HASH, type Envelope } from '@kudurru/proof';
import { encodeEnvelope } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { envelopes } from '../../daemon/proof/test/support/arbitrary-envelope.ts';
import { AGENTS, madeLog } from '../../daemon/test/evidence/index/made-log.ts';
import { kindOf, Oracle, statusOf, type Action } from '../../daemon/test/evidence/index/oracle.ts';
import { indexRows, NativeError, type IndexRows } from '../lib/index.ts';

const FIRST = 256;
/** The first entry of a made log that opens a session. */
const SESSION = AGENTS;
const at = new DataView(new ArrayBuffer(8));

function sessionKey(id: Uint8Array): bigint {
  for (let byte = 0; byte < 8; byte++) at.setUint8(byte, id[byte] ?? 0);
  return at.getBigInt64(0);
}

/** One action of the columns, as an object. */
function rowOf(rows: IndexRows, place: number): object {
  const text = (column: Uint32Array): string | null =>
    column[place] === 0 ? null : (rows.terms[(column[place] ?? 0) - 1] ?? null);
  return {
    index: rows.index[place],
    taiNs: rows.taiNs[place],
    session: rows.session[place],
    sequence: rows.sequence[place],
    kind: rows.kind[place],
    status: rows.status[place],
    operation: text(rows.operation),
    tool: text(rows.tool),
    externalId: text(rows.externalId),
    traceId: rows.traceId.slice(16 * place, 16 * place + 16),
    intentSession: rows.intentSession[place],
    intentSequence: rows.intentSequence[place],
  };
}

function expectedRow(action: Action): object {
  const { index, entry, envelope } = action;
  const { intent, tool, externalId, traceId } = envelope;
  return {
    index,
    taiNs: entry.time.taiNs,
    session: Number(entry.sessionIndex),
    sequence: Number(entry.sequence),
    kind: kindOf(action),
    status: statusOf(action),
    operation: envelope.operation,
    tool: tool?.name ?? null,
    externalId: externalId?.id ?? null,
    traceId: traceId ?? new Uint8Array(16),
    intentSession: intent === undefined ? 0n : sessionKey(intent.session),
    intentSequence: intent === undefined ? -1 : Number(intent.sequence),
  };
}

function actionEntry(envelope: Envelope): Uint8Array {
  return encodeEntry({
    kind: 'action',
    previousLeafHash: ZERO_HASH,
    time: {
      taiNs: 2n ** 63n - 1n,
      monotonicRawNs: 1n,
      bootIndex: 1n,
      statisticalNs: null,
      adversarialNs: null,
      level: 'UNKNOWN',
      timeEvidenceIndex: null,
    },
    appliance: 0,
    sessionIndex: BigInt(SESSION),
    sequence: BigInt(Number.MAX_SAFE_INTEGER),
    envelope: encodeEnvelope(envelope),
    ruleSetIndex: null,
    decision: { verdict: 'none', determining: [], errors: [] },
    writerLevel: 'pidfd',
  });
}

describe('index rows', () => {
  it('are those of @kudurru/proof, for any log', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 256 }), (seed, count) => {
        const entries = madeLog(count, seed);
        const rows = indexRows(0, formatEntryBundle(entries));
        const oracle = new Oracle(entries);
        assert.equal(rows.entries, count);
        assert.equal(rows.actions, oracle.actions.length);
        oracle.actions.forEach((action, place) =>
          assert.deepEqual(rowOf(rows, place), expectedRow(action)),
        );
        assert.deepEqual(rows.anchors, oracle.anchors);
        const sessions = [...oracle.sessions].map(([index, session]) => ({ index, ...session }));
        assert.deepEqual(rows.sessions, sessions);
        assert.deepEqual(rows.lastLeafHash, leafHash(entries.at(-1) ?? new Uint8Array()));
      }),
      { numRuns: 50 },
    );
  });

  it('are those of @kudurru/proof, for any envelope', () => {
    const before = madeLog(SESSION + 1, 1);
    fc.assert(
      fc.property(fc.array(envelopes, { minLength: 1, maxLength: 20 }), (drawn) => {
        const entries = [...before, ...drawn.map(actionEntry)];
        const rows = indexRows(FIRST, formatEntryBundle(entries));
        const { actions } = new Oracle(entries);
        actions.forEach((action, place) => {
          const moved = { ...action, index: FIRST + action.index };
          assert.deepEqual(rowOf(rows, place), expectedRow(moved));
        });
        assert.equal(rows.actions, drawn.length);
      }),
    );
  });

  it('are none of a bundle that is cut short or holds something else', () => {
    const entries = madeLog(20, 3);
    const bundle = formatEntryBundle(entries);
    const refused = (bytes: Uint8Array, message: RegExp): void => {
      assert.throws(
        () => indexRows(FIRST, bytes),
        (error) => error instanceof NativeError && message.test(error.message),
      );
    };
    refused(bundle.subarray(0, bundle.length - 1), /ends within entry 275/u);
    refused(bundle.subarray(0, 1), /ends within entry 256/u);
    refused(bundle.with(2, 0x02), /entry 256 is none/u);
    assert.equal(indexRows(FIRST, new Uint8Array()).entries, 0);
  });

  it('are all there or refused, whatever byte is changed', () => {
    const bundle = formatEntryBundle(madeLog(8, 5));
    fc.assert(
      fc.property(
        fc.nat({ max: bundle.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, by) => {
          const changed = bundle.with(at, (bundle[at] ?? 0) ^ by);
          try {
            const rows = indexRows(0, changed);
            assert.equal(rows.index.length, rows.actions);
          } catch (error) {
            assert.ok(error instanceof NativeError, String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
