import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import {
  decodeBase64,
  decodeRawTimeEvidence,
  decodeTimeProfile,
  encodeEntry,
  encodeOperatorOrder,
  encodeSourcedTimeEvidence,
  encodeTimeEvidence,
  encodeTimeProfile,
  formatEntryBundle,
  formatTilePath,
  LEAP_TABLE,
  makeTimeEvidence,
  taiOfUtc,
  TILE_WIDTH,
  type Entry,
  type TimeProfile,
} from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { isKudurruError } from '../../src/base/errors.ts';
import { timeHistoryEntriesMax } from '../../src/base/limits.ts';
import { treeSize } from '../../src/base/units.ts';
import {
  findTimeHistory,
  parseTimeHistoryQuery,
  type TimeHistoryAnswer,
  type TimeHistorySource,
} from '../../src/evidence/time-history.ts';

interface Recorded {
  readonly vectors: readonly {
    readonly profile: string;
    readonly raw: string;
  }[];
}

/** Of a stock ptp4l, whose level is known. */
const recordings = new URL('../../proof/testdata/time/drills/', import.meta.url);
const vectors = readdirSync(recordings).flatMap((name) => {
  const text = readFileSync(new URL(name, recordings), 'utf8');
  return (JSON.parse(text) as Recorded).vectors;
});

const secondNs = 1_000_000_000n;
const startTaiNs = taiOfUtc(BigInt(Date.UTC(2026, 10, 22, 12)) * 1_000_000n);
const nothing = new Uint8Array(32);

/** One entry a second. */
function head(index: number): Omit<Entry, 'kind'> {
  const taiNs = startTaiNs + BigInt(index) * secondNs;
  const time = {
    ...{ taiNs, level: 'UNKNOWN' as const, statisticalNs: null, adversarialNs: null },
    ...{ monotonicRawNs: BigInt(index) * secondNs, timeEvidenceIndex: null, bootIndex: 1n },
  };
  return { previousLeafHash: nothing, time, appliance: 1 };
}

function plain(index: number): Uint8Array {
  return encodeEntry({ ...head(index), kind: 'alarm', code: 'test', message: 'none' });
}

function profileEntry(index: number, profile: TimeProfile): Uint8Array {
  const order = encodeOperatorOrder({
    kind: 'time-profile',
    ledgerId: nothing,
    nonce: nothing,
    expiryTaiNs: startTaiNs,
    payload: encodeTimeProfile(profile),
  });
  return encodeEntry({
    ...head(index),
    kind: 'time.profile',
    order,
    authorisations: [new Uint8Array([1])],
  });
}

function evidenceEntry(index: number, evidence: Uint8Array): Uint8Array {
  return encodeEntry({ ...head(index), kind: 'time-evidence', evidence, commitments: [] });
}

function sourced(place: number, profileIndex: bigint): Uint8Array {
  const vector = vectors[place] ?? assert.fail('no such vector');
  const evidence = makeTimeEvidence(
    {
      profile: decodeTimeProfile(decodeBase64(vector.profile)),
      raw: decodeRawTimeEvidence(decodeBase64(vector.raw)),
      leap: LEAP_TABLE,
      ...{ base: null, prior: null },
      isInAnchor: false,
    },
    { cause: 'change', profileIndex, baseEvidenceIndex: null, priorEvidenceIndex: null },
  );
  return encodeSourcedTimeEvidence(evidence);
}

const systemClock = encodeTimeEvidence({
  version: 1,
  source: 'system-clock',
  realtimeBeforeNs: 1n,
  monotonicRawNs: 1n,
  realtimeAfterNs: 2n,
  taiMinusUtcSeconds: 37,
  leapListExpiryUnixSeconds: 1,
  kernelState: null,
});

const profileIndex = 3;
const size = 2 * TILE_WIDTH + 40;
/** The system clock's first, then recordings, over all bundles. */
const places = [2, 5, 6, 255, 256, 300, 511, 512, size - 1];

function entryAt(index: number): Uint8Array {
  const [vector] = vectors;
  const at = places.indexOf(index);
  if (index === profileIndex) {
    return profileEntry(index, decodeTimeProfile(decodeBase64(vector?.profile ?? '')));
  }
  if (at < 0) return plain(index);
  if (at === 0) return evidenceEntry(index, systemClock);
  return evidenceEntry(index, sourced((at - 1) % vectors.length, BigInt(profileIndex)));
}

const entries = Array.from({ length: size }, (_, index) => entryAt(index));

describe('time history', () => {
  let state: string;
  let reads: number;
  let source: TimeHistorySource;

  before(() => {
    state = mkdtempSync(join(tmpdir(), 'kudurru-history-'));
    for (let first = 0; first < size; first += TILE_WIDTH) {
      const bundle = entries.slice(first, first + TILE_WIDTH);
      const name = { level: 'entries', index: BigInt(first / TILE_WIDTH) } as const;
      const path = join(state, formatTilePath({ ...name, width: bundle.length }));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, formatEntryBundle(bundle));
    }
    reads = 0;
    const readEntry = async (index: bigint): Promise<Uint8Array> => {
      reads += 1;
      return entries[Number(index)] ?? assert.fail(`no entry ${index}`);
    };
    source = { state, ledger: { readEntry }, size: treeSize(BigInt(size)) };
  });

  after(() => rmSync(state, { recursive: true }));

  function ask(
    query: Readonly<Record<string, string>>,
    of: TimeHistorySource = source,
  ): Promise<TimeHistoryAnswer> {
    return findTimeHistory(parseTimeHistoryQuery(new URLSearchParams(query)), of);
  }

  it('finds every piece of evidence, newest first, and reads little of the ledger', async () => {
    reads = 0;
    const { rows, next } = await ask({});
    assert.deepEqual(
      rows.map(({ index }) => index),
      places.toReversed(),
    );
    assert.equal(next, null);
    assert.ok(reads <= places.length + 1, `${reads} reads`);
    const oldest = rows.at(-1);
    assert.deepEqual(
      [oldest?.level, oldest?.cause, oldest?.later, oldest?.utc],
      ['UNKNOWN', null, null, '2026-11-22T12:00:02.000000000Z'],
    );
    const known = rows.filter(({ later }) => later !== null);
    for (const { cause, sources, profileIndex: of } of known) {
      assert.deepEqual([cause, of, sources[0]?.id], ['change', profileIndex, 'ptp']);
    }
    assert.ok(known.some(({ level }) => level === 'LOCKED'));
  });

  it('finds the same where bundles are missing or damaged', async () => {
    const whole = await ask({});
    const bare = mkdtempSync(join(tmpdir(), 'kudurru-history-'));
    try {
      assert.deepEqual(await ask({}, { ...source, state: bare }), whole);
      const path = join(bare, formatTilePath({ level: 'entries', index: 0n, width: TILE_WIDTH }));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, new Uint8Array([0, 9, 1]));
      assert.deepEqual(await ask({}, { ...source, state: bare }), whole);
    } finally {
      rmSync(bare, { recursive: true });
    }
  });

  it('gives pages that are the whole, one after the other', async () => {
    const whole = await ask({});
    const rows = [];
    let before: number | null = size;
    while (before !== null) {
      const page: TimeHistoryAnswer = await ask({ limit: '2', before: String(before) });
      assert.ok(page.rows.length <= 2);
      rows.push(...page.rows);
      before = page.next;
    }
    assert.deepEqual(rows, whole.rows);
  });

  it('keeps to a time and a level', async () => {
    const { rows } = await ask({ since: '2026-11-22T12:00:06Z', until: '2026-11-22T12:05:00Z' });
    assert.deepEqual(
      rows.map(({ index }) => index),
      [256, 255, 6],
    );
    assert.deepEqual((await ask({ since: '2027-01-01' })).rows, []);
    assert.deepEqual((await ask({ until: '2026-01-01' })).rows, []);
    const all = (await ask({})).rows;
    for (const level of new Set(all.map((row) => row.level))) {
      const wanted = all.filter((row) => row.level === level);
      assert.deepEqual((await ask({ level })).rows, wanted);
    }
  });

  it('looks through so many entries at a time, and says where to go on', async () => {
    const long = timeHistoryEntriesMax + 300;
    const only = evidenceEntry(7, systemClock);
    const other = plain(1);
    const readEntry = async (index: bigint): Promise<Uint8Array> => (index === 7n ? only : other);
    const far = { state, ledger: { readEntry }, size: treeSize(BigInt(long)) };
    const bare = { ...far, state: join(state, 'none') };
    assert.deepEqual(await ask({}, bare), { rows: [], next: 300 });
    const { rows, next } = await ask({ before: '300' }, bare);
    assert.deepEqual([rows.map(({ index }) => index), next], [[7], null]);
  });

  const bad: readonly Readonly<Record<string, string>>[] = [
    { level: 'GOOD' },
    { since: 'yesterday' },
    { until: '1971-01-01' },
    { before: '-1' },
    { limit: '1001' },
    { agent: 'clerk' },
  ];
  for (const query of bad) {
    it(`refuses ${JSON.stringify(query)}`, async () => {
      await assert.rejects(
        async () => ask(query),
        (error) => isKudurruError(error, 'request-malformed'),
      );
    });
  }
});
