import assert from 'node:assert/strict';
import { encodeEnvelope, encodeHex, formatTai, type Envelope } from '@kudurru/proof';
import { describe, it } from 'mocha';

import { matchesQuery, type FoundAction } from '../../src/evidence/search-match.ts';
import { parseSearchQuery } from '../../src/evidence/search-query.ts';

const envelope: Envelope = {
  version: 1,
  kind: 'outcome',
  actionType: 'tool-response',
  operation: 'tools/call',
  tool: { name: 'write_file', server: null, schemaDigest: null, protocolVersion: null },
  intent: { session: new Uint8Array(32), sequence: 0n },
  status: 'failure',
  traceId: new Uint8Array(16).fill(3),
  externalId: { scheme: 'json-rpc', id: '7' },
  coverage: 'mediated',
  commitments: [],
  observedBy: 'bridge',
};
const taiNs = 1_795_336_237_000_000_000n;
const found: FoundAction = {
  index: 12n,
  entry: {
    kind: 'action',
    previousLeafHash: new Uint8Array(32),
    time: {
      taiNs,
      monotonicRawNs: 0n,
      bootIndex: 1n,
      statisticalNs: null,
      adversarialNs: null,
      level: 'UNKNOWN',
      timeEvidenceIndex: null,
    },
    appliance: 0,
    sessionIndex: 4n,
    sequence: 1n,
    envelope: encodeEnvelope(envelope),
    ruleSetIndex: null,
    decision: { verdict: 'none', determining: [], errors: [] },
    writerLevel: 'pidfd',
  },
  sessionId: new Uint8Array(32).fill(9),
  agentId: 'spiffe://ledger.example/agent/clerk',
};
const second = formatTai(taiNs).slice(0, 19);

/** A condition that holds, and the same that does not. */
const conditions: readonly (readonly [name: string, holds: string, fails: string])[] = [
  ['agent', 'clerk', 'reviewer'],
  ['session', encodeHex(found.sessionId), '00'.repeat(32)],
  ['kind', 'outcome', 'intent'],
  ['operation', 'tools/call', 'tools/list'],
  ['tool', 'write_file', 'read_file'],
  ['status', 'failure', 'success'],
  ['trace', '03'.repeat(16), '04'.repeat(16)],
  ['externalId', '7', '8'],
  ['since', `${second}Z`, '2027-01-01'],
  ['until', '2027-01-01', `${second}Z`],
  ['before', '13', '12'],
];

describe('search match', () => {
  const matches = (query: Record<string, string>): boolean =>
    matchesQuery(
      found,
      parseSearchQuery(
        new URLSearchParams(query),
        (name) => `spiffe://ledger.example/agent/${name}`,
      ),
    );

  it('is any action where nothing is asked, and one for which all holds', () => {
    assert.ok(matches({}));
    assert.ok(matches(Object.fromEntries(conditions.map(([name, holds]) => [name, holds]))));
  });

  for (const [name, holds, fails] of conditions) {
    it(`is none where ${name} is another`, () => {
      assert.ok(matches({ [name]: holds }));
      assert.ok(!matches({ [name]: fails }));
    });
  }
});
