/** The audit of a whole log, on entries that the daemon made with a software TPM and token. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

import { decodeBundle } from '../../src/bundle.ts';
import { decodeEntry, encodeEntry, type Entry } from '../../src/entry.ts';
import { ProofError } from '../../src/proof-error.ts';
import { parseTlogProof } from '../../src/tlog-proof.ts';
import { LogAudit, type LogEntry } from '../../src/verify/audit.ts';
import type { BatchVerifier } from '../../src/verify/signatures.ts';
import { verifyInTurn } from '../../src/verify/signatures.ts';
import { testdataPath } from '../support/vectors.ts';

const bundle = decodeBundle(new Uint8Array(readFileSync(testdataPath('daemon/intent.kudurru'))));
const note = parseTlogProof(bundle.proof).checkpointBytes;
const entries = new Map<string, LogEntry>(
  bundle.others.map(({ index, entry }) => [decodeEntry(entry).kind, { index, entry }]),
);
const entryOf = (kind: string): LogEntry => {
  const found = entries.get(kind);
  assert.ok(found !== undefined, kind);
  return found;
};
const genesis = entryOf('genesis').entry;

/** What the kind needs to be judged: the enrolment of a session, the anchor before an anchor. */
const references: Readonly<Record<string, readonly string[]>> = {
  'session.open': ['agent.enrol'],
  anchor: ['counter-anchor'],
};
const referencesOf = (kind: string): LogEntry[] => (references[kind] ?? []).map(entryOf);

type Change = (entry: Entry) => object | false;
const flipped = (bytes: Uint8Array, at = bytes.length - 1): Uint8Array =>
  bytes.with(at, (bytes[at] ?? 0) ^ 1);

describe('the audit of a log', () => {
  const audit = new LogAudit(genesis);

  for (const kind of ['genesis', 'agent.enrol', 'session.open', 'counter-anchor', 'anchor']) {
    it(`finds nothing wrong with ${kind}`, async () => {
      assert.deepEqual(await audit.entry(entryOf(kind), referencesOf(kind)), []);
    });
  }

  it('asks nothing of what nobody signs', async () => {
    for (const kind of ['boot', 'statement']) {
      assert.deepEqual(await audit.entry(entryOf(kind)), []);
    }
  });

  const forgeries: readonly (readonly [kind: string, what: string, change: Change])[] = [
    [
      'agent.enrol',
      'proof of possession',
      (entry) =>
        entry.kind === 'agent.enrol' && { proofOfPossession: flipped(entry.proofOfPossession) },
    ],
    [
      'session.open',
      'request',
      (entry) => entry.kind === 'session.open' && { request: flipped(entry.request) },
    ],
    [
      'anchor',
      'left signature',
      (entry) =>
        entry.kind === 'anchor' && {
          left: { ...entry.left, signature: flipped(entry.left.signature) },
        },
    ],
    [
      'anchor',
      'right attestation',
      (entry) =>
        entry.kind === 'anchor' && {
          right: { ...entry.right, attest: flipped(entry.right.attest) },
        },
    ],
    ['anchor', 'size', (entry) => entry.kind === 'anchor' && { size: entry.size - 1n }],
    [
      'anchor',
      'checkpoint',
      (entry) => entry.kind === 'anchor' && { checkpoint: flipped(entry.checkpoint, 90) },
    ],
  ];
  for (const [kind, what, change] of forgeries) {
    it(`says a sentence about ${kind} with another ${what}`, async () => {
      const { index, entry } = entryOf(kind);
      const decoded = decodeEntry(entry);
      const forged = encodeEntry({ ...decoded, ...change(decoded) });
      assert.notDeepEqual(forged, entry);
      const problems = await audit.entry({ index, entry: forged }, referencesOf(kind));
      assert.notDeepEqual(problems, []);
      for (const problem of problems) assert.match(problem, /\w+ \w+/u);
    });
  }

  it('misses the enrolment that a session is of', async () => {
    assert.notDeepEqual(await audit.entry(entryOf('session.open')), []);
  });

  it('checks a checkpoint by the keys of the log, and says what is none', async () => {
    assert.deepEqual(await audit.checkpoint(note), []);
    const text = new TextDecoder().decode(note);
    const forged = new TextEncoder().encode(text.replace(/^(\d+)$/mu, (size) => `${size}0`));
    assert.notDeepEqual(await audit.checkpoint(forged), []);
    assert.equal((await audit.checkpoint(new Uint8Array(3))).length, 1);
  });

  it('is of the log that the genesis began', async () => {
    const decoded = decodeEntry(genesis);
    assert.ok(decoded.kind === 'genesis');
    const other = encodeEntry({ ...decoded, logKey: `${decoded.logKey.slice(0, -4)}AAAA` });
    assert.notDeepEqual(await new LogAudit(other).checkpoint(note), []);
    assert.throws(() => new LogAudit(entryOf('boot').entry), ProofError);
  });

  it('leaves the signatures to the verifier that it is given', async () => {
    let asked = 0;
    const verifyBatch: BatchVerifier = (checks) => {
      asked += checks.length;
      return verifyInTurn(checks);
    };
    const counting = new LogAudit(genesis, { verifyBatch });
    assert.deepEqual(await counting.entry(entryOf('anchor'), referencesOf('anchor')), []);
    assert.ok(asked > 0);
    const refusing = new LogAudit(genesis, {
      verifyBatch: (checks) => Promise.resolve(checks.map(() => false)),
    });
    assert.notDeepEqual(await refusing.entry(entryOf('anchor'), referencesOf('anchor')), []);
  });
});
