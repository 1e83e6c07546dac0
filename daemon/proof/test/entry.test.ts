import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeBundle } from '../src/bundle.ts';
import type { CborValue } from '../src/cbor.ts';
import { decodeCbor, encodeCbor } from '../src/cbor.ts';
import type { Entry } from '../src/entry.ts';
import { decodeEntry, encodeEntry, entryToJson } from '../src/entry.ts';
import { ENTRY_KINDS, ENTRY_SIZE_BYTES_MAX } from '../src/entry-fields.ts';
import { ZERO_HASH } from '../src/sha256.ts';
import { committedCases, committedExhibit } from './support/committed-corpus.ts';

const head = {
  previousLeafHash: ZERO_HASH,
  time: {
    taiNs: 2n ** 62n,
    monotonicRawNs: 0n,
    bootIndex: 1n,
    statisticalNs: null,
    adversarialNs: 5n,
    level: 'DEGRADED',
    timeEvidenceIndex: 2n,
  },
  appliance: 0,
} as const;
const small: Entry[] = [
  { kind: 'unclean-start', ...head, previousBootIndex: 1n, treeSize: 9n, secondsAtRisk: 60 },
  { kind: 'session.close', ...head, sessionIndex: 4n, actionCount: 0, reason: 'idle' },
  {
    kind: 'refusal-summary',
    ...head,
    fromTaiNs: 1n,
    toTaiNs: 2n,
    refusals: [
      { code: 'a', count: 1 },
      { code: 'b', count: 2 },
    ],
  },
  { kind: 'stop', ...head, reason: 'asked', openSessions: 0 },
  { kind: 'alarm', ...head, code: 'x', message: 'y' },
  {
    kind: 'restore',
    ...head,
    order: Uint8Array.of(1),
    authorisations: [Uint8Array.of(2), Uint8Array.of(3)],
  },
  {
    kind: 'time.profile',
    ...head,
    order: Uint8Array.of(1),
    authorisations: [Uint8Array.of(2)],
  },
];

/** Every entry of the committed bundles. */
function committedEntries(): Uint8Array[] {
  return committedCases('accept').flatMap(({ name }) => {
    const { entry, others } = decodeBundle(committedExhibit('accept', name).bytes);
    return [entry, ...others.map((other) => other.entry)];
  });
}

describe('entry', () => {
  it('of every kind encodes back to its bytes, and has a view', () => {
    const all = [...committedEntries(), ...small.map(encodeEntry)];
    const kinds = new Set<string>();
    for (const bytes of all) {
      const entry = decodeEntry(bytes);
      assert.deepEqual(encodeEntry(entry), bytes);
      const view = JSON.parse(JSON.stringify(entryToJson(entry))) as { kind: string };
      assert.equal(view.kind, entry.kind);
      kinds.add(entry.kind);
    }
    kinds.add('time-evidence'); // in no accepted bundle: version 1 leaves timeEvidenceIndex null
    assert.deepEqual([...kinds].sort(), Object.keys(ENTRY_KINDS).sort());
  });

  it('has the bytes of SPEC.md §7', () => {
    const [, close] = small as [Entry, Entry];
    assert.deepEqual(decodeCbor(encodeEntry(close)), [
      1,
      5,
      ZERO_HASH,
      [2n ** 62n, 0, 1, null, 5, 2, 2],
      0,
      4,
      0,
      2,
    ]);
  });

  const items = decodeCbor(encodeEntry(small[3] as Entry)) as CborValue[];
  const changed: readonly (readonly [title: string, items: CborValue])[] = [
    ['version 2', items.with(0, 2)],
    ['a reserved kind', items.with(1, 14)],
    ['an unknown kind', items.with(1, 99)],
    ['a kind that is no number', items.with(1, 'stop')],
    ['a short link', items.with(2, new Uint8Array(31))],
    ['a time without its last element', items.with(3, (items[3] as CborValue[]).slice(0, 6))],
    ['level 6', items.with(3, (items[3] as CborValue[]).with(5, 6))],
    ['negative time', items.with(3, (items[3] as CborValue[]).with(0, -1))],
    ['time of 2^63', items.with(3, (items[3] as CborValue[]).with(0, 2n ** 63n))],
    ['a missing field', items.slice(0, -1)],
    ['a field too many', [...items, 0]],
    ['no array', 1],
    ['an empty array', []],
  ];
  for (const [title, value] of changed) {
    it(`refuses ${title}`, () => {
      assert.throws(() => decodeEntry(encodeCbor(value)), { code: 'entry-invalid' });
    });
  }

  it('refuses what contradicts itself or its limits', () => {
    const action = committedEntries()
      .map(decodeEntry)
      .find(({ kind }) => kind === 'action');
    assert.ok(action?.kind === 'action');
    const rules: Entry[] = [
      { ...action, ruleSetIndex: 1n },
      { ...action, decision: { verdict: 'permit', determining: [], errors: [] } },
      {
        ...action,
        ruleSetIndex: 1n,
        decision: { verdict: 'deny', determining: ['b', 'a'], errors: [] },
      },
      { ...(small[2] as Entry & { kind: 'refusal-summary' }), refusals: [] },
    ];
    for (const entry of rules) {
      assert.throws(() => encodeEntry(entry), { code: 'entry-invalid' });
    }
    const tooLong = new Uint8Array(ENTRY_SIZE_BYTES_MAX + 1);
    assert.throws(() => decodeEntry(tooLong), { code: 'limit-exceeded' });
  });
});
