import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';

import { indexFolderOf } from '../../../src/evidence/index/builder.ts';
import type { IndexFile } from '../../../src/evidence/index/files.ts';
import { Places } from '../../../src/evidence/index/places.ts';
import { PublishedRows } from '../../../src/evidence/index/published-rows.ts';
import type { Answer, Question, Search } from '../../../src/evidence/index/questions.ts';
import { buildIndex, LEDGER_ID, SHAPE } from './built-index.ts';
import { AGENTS, madeLog, OPERATIONS, publishLog, TOOLS, traceOf } from './made-log.ts';
import { Oracle } from './oracle.ts';

/** Three merged files, three small ones, and 200 entries in memory. */
const ENTRIES = 3 * SHAPE.merged + 3 * SHAPE.segment + 200;

const anyOf = <Value>(values: readonly Value[]): fc.Arbitrary<Value | null> =>
  fc.option(fc.constantFrom(...values), { freq: 2 });
const index = fc.nat({ max: ENTRIES + 10 });

describe('the search index, asked', () => {
  let folder: string;
  let oracle: Oracle;
  let files: readonly IndexFile[];
  let places: Places;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-index-'));
    const entries = madeLog(ENTRIES, 7);
    publishLog(folder, entries);
    oracle = new Oracle(entries);
    files = await buildIndex(folder, ENTRIES);
    places = new Places({
      folder: indexFolderOf(folder),
      ledgerId: LEDGER_ID,
      shape: SHAPE,
      published: new PublishedRows(folder),
      onDamage: (file, reason) => assert.fail(`${file.name}: ${reason}`),
    });
    places.use(files);
  });
  after(() => {
    places.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (question: Question): Answer => places.ask(question, ENTRIES);
  const exact = (found: readonly number[]): Answer => ({ found, unsearched: 0, missing: null });

  const sessionIds = (): Uint8Array[] => [
    ...[...oracle.sessions.values()].map(({ id }) => id),
    new Uint8Array(32).fill(9),
  ];
  const taiNs = index.map((at) => 1_000n + BigInt(at));
  const searches = (): fc.Arbitrary<Search> =>
    fc.record({
      agent: anyOf(Array.from({ length: AGENTS + 1 }, (_, agent) => agent)),
      sessionId: anyOf(sessionIds()),
      kind: anyOf([1, 2, 3]),
      status: anyOf([1, 2, 4, 6]),
      operation: anyOf([...OPERATIONS, 'never']),
      tool: anyOf([...TOOLS, 'never']),
      trace: anyOf([traceOf(1), traceOf(2), traceOf(99)]),
      externalId: anyOf(['call 1', 'call 2', 'never']),
      sinceTaiNs: fc.option(taiNs),
      untilTaiNs: fc.option(taiNs),
      before: fc.option(index),
      limit: fc.nat({ max: 300 }),
    });

  it('is of sealed files of both sizes, with the newest in memory', () => {
    const counts = files.map(({ count }) => count);
    const { merged, segment } = SHAPE;
    assert.deepEqual(counts, [merged, merged, merged, segment, segment, segment]);
  });

  it('finds the actions that a plain filter over all entries finds', () => {
    fc.assert(
      fc.property(searches(), (search) => {
        assert.deepEqual(ask({ ask: 'search', search }), exact(oracle.search(search)));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds an action by its place', () => {
    const namedPlaces = fc.record({
      sessionId: fc.constantFrom(...sessionIds()),
      sequence: fc.nat({ max: 400 }),
    });
    fc.assert(
      fc.property(namedPlaces, ({ sessionId, sequence }) => {
        const found = oracle.actionAt(sessionId, sequence);
        assert.deepEqual(ask({ ask: 'action-at', sessionId, sequence }), exact(found));
      }),
      { numRuns: 500 },
    );
  });

  it('finds the first outcome after an intent, by the same agent', () => {
    let found = 0;
    for (const intent of oracle.actions.filter(({ envelope }) => envelope.kind === 'intent')) {
      const { agent, sessionId, entry } = intent;
      const sequence = Number(entry.sequence);
      const outcome = { intent: intent.index, agent, sessionId, sequence };
      const expected = oracle.outcomeOf(outcome);
      assert.deepEqual(ask({ ask: 'outcome-of', outcome }), exact(expected));
      found += expected.length;
    }
    assert.ok(found > 100);
  });

  it('finds anchors and the last actions of agents', () => {
    fc.assert(
      fc.property(index, (at) => {
        const covering = ask({ ask: 'anchor-covering', index: at });
        assert.deepEqual(covering, exact(oracle.anchorCovering(at)));
        const below = ask({ ask: 'last-anchor-below', index: at });
        assert.deepEqual(below, exact(oracle.lastAnchorBelow(at)));
        const heads = ask({ ask: 'last-actions', size: at });
        assert.deepEqual(
          { ...heads, found: heads.found.toSorted((a, b) => a - b) },
          exact(oracle.lastActions(at)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('says how many entries an answer lacks where a file is missing', () => {
    const [first, second] = files;
    assert.ok(first !== undefined && second !== undefined);
    places.use(files.filter((file) => file !== second));
    const all = { agent: null, sessionId: null, kind: null, status: null, operation: null };
    const none = { tool: null, trace: null, externalId: null, sinceTaiNs: null, untilTaiNs: null };
    const search: Search = { ...all, ...none, before: null, limit: ENTRIES };
    const { found, ...rest } = ask({ ask: 'search', search });
    assert.deepEqual(rest, { unsearched: second.count, missing: second.first });
    const isThere = (at: number): boolean => at < second.first || at >= second.first + second.count;
    assert.deepEqual(found, oracle.search(search).filter(isThere));
    const newest = ask({ ask: 'search', search: { ...search, limit: 100 } });
    assert.deepEqual(newest, exact(oracle.search({ ...search, limit: 100 })));
    places.use(files);
  });
});
