import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';

import { encodeHex, formatTilePath, TILE_WIDTH } from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { isKudurruError } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { leafIndex, treeSize } from '../../src/base/units.ts';
import { Evidence, type SearchAnswer } from '../../src/evidence/evidence.ts';
import { indexFolderOf } from '../../src/evidence/index/builder.ts';
import { endOf, nameOf, parseName } from '../../src/evidence/index/files.ts';
import { buildIndex, LEDGER_ID, SHAPE } from './index/built-index.ts';
import { agentIdOf, madeLog, publishLog } from './index/made-log.ts';
import { Oracle } from './index/oracle.ts';

const ENTRIES = SHAPE.merged + 3 * SHAPE.segment + 5;

describe('evidence, searched', () => {
  let folder: string;
  let entries: Uint8Array[];
  let oracle: Oracle;
  let evidence: Evidence;
  let lines: string[];
  let remade: number[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-evidence-'));
    lines = [];
    remade = [];
    entries = madeLog(ENTRIES, 21);
    publishLog(folder, entries);
  });
  afterEach(async () => {
    await evidence.stop();
    rmSync(folder, { recursive: true });
  });

  function start(): void {
    evidence = new Evidence({
      state: folder,
      ledgerId: LEDGER_ID,
      ledger: {
        readEntry: (index) => Promise.resolve(entries[Number(index)] ?? new Uint8Array()),
        inclusionPath: () => Promise.reject(new Error('not asked')),
        consistencyPath: () => Promise.reject(new Error('not asked')),
        openBody: () => Promise.resolve(null),
      },
      size: () => treeSize(BigInt(ENTRIES)),
      publish: () => Promise.resolve(),
      remake: (bundle) => {
        remade.push(Number(bundle));
        publishLog(folder, entries);
        return Promise.resolve();
      },
      agentIdOf,
      agentIndexOf: () => leafIndex(0n),
      nowMs: () => performance.now(),
      shape: SHAPE,
      log: openLog({ level: 'info', write: (line) => lines.push(line) }),
    });
  }

  const search = (query: Record<string, string>): Promise<SearchAnswer> =>
    evidence.search(new URLSearchParams(query));

  /** Asks until the answer lacks nothing, and no wrong file is left. */
  async function whole(query: Record<string, string>): Promise<SearchAnswer> {
    for (;;) {
      const answer = await search(query).catch(unlessContradicted);
      if (answer !== null && answer.unsearched === 0) return answer;
      await turn();
    }
  }

  it('finds the newest at once, and all of it when the index is built', async () => {
    start();
    oracle = new Oracle(entries);
    const newest = oracle.actions.slice(-10).map(({ index }) => index);
    const first = await search({ limit: '10' });
    assert.deepEqual(
      first.hits.map(({ index }) => index),
      newest.toReversed(),
    );
    assert.equal(first.unsearched, 0);
    const rare = oracle.actions.filter(({ envelope }) => envelope.externalId?.id === 'call 7');
    const all = await whole({ externalId: 'call 7', limit: '1000' });
    assert.deepEqual(
      all.hits.map(({ index }) => index),
      rare.map(({ index }) => index).toReversed(),
    );
    assert.equal(all.indexed, ENTRIES);
    assert.equal(evidence.indexLag().entriesBehind, 0);
  });

  it('has bundles that are missing or damaged made again', async () => {
    const pathOf = (index: bigint): string =>
      join(folder, formatTilePath({ level: 'entries', index, width: TILE_WIDTH }));
    const newest = BigInt(Math.floor(ENTRIES / TILE_WIDTH)) - 1n;
    rmSync(pathOf(newest));
    start();
    oracle = new Oracle(entries);
    const { hits } = await search({ limit: '200' });
    const expected = oracle.actions.slice(-200).map(({ index }) => index);
    assert.deepEqual(
      hits.map(({ index }) => index),
      expected.toReversed(),
    );
    assert.equal(remade[0], Number(newest));
    await evidence.stop();
    rmSync(indexFolderOf(folder), { recursive: true });
    truncateSync(pathOf(2n), 100);
    start();
    const all = await whole({ limit: '1000', before: '1024' });
    assert.equal(all.hits.length, oracle.actions.filter(({ index }) => index < 1024).length);
    assert.ok(remade.includes(2));
  });

  it('finds a session by its id, and an action by its place there', async () => {
    start();
    oracle = new Oracle(entries);
    const action = oracle.actions[500];
    assert.ok(action !== undefined);
    const session = action.sessionId;
    await whole({ session: encodeHex(session), limit: '1000' });
    const sequence = Number(action.entry.sequence);
    assert.equal(await evidence.locate({ session, sequence }), BigInt(action.index));
  });

  it('hands out nothing by an index that was changed, and makes it again', async () => {
    await buildIndex(folder, ENTRIES);
    const name = readdirSync(indexFolderOf(folder)).toSorted()[0] ?? '';
    const path = join(indexFolderOf(folder), name);
    const database = new DatabaseSync(path);
    database.exec("UPDATE action SET operation = 'forged' WHERE operation = 'weigh'");
    database.close();
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 32);
    const range = parseName(name);
    assert.ok(range !== null && endOf(range) <= ENTRIES);
    renameSync(path, join(indexFolderOf(folder), nameOf(range, digest).name));
    start();
    await assert.rejects(search({ operation: 'forged' }), (error) =>
      isKudurruError(error, 'index-contradicts'),
    );
    const { hits } = await whole({ operation: 'forged' });
    assert.deepEqual(hits, []);
    assert.ok(readdirSync(indexFolderOf(folder)).includes(name), 'the same file as before');
  });

  it('answers without a file that was destroyed, says so, and makes it again', async () => {
    await buildIndex(folder, ENTRIES);
    start();
    const before = await whole({ limit: '1000', operation: 'weigh', until: '2000-01-01' });
    const name = readdirSync(indexFolderOf(folder)).toSorted()[0] ?? '';
    const path = join(indexFolderOf(folder), name);
    await evidence.stop();
    const was = readFileSync(path);
    truncateSync(path, 8192);
    start();
    const after = await whole({ limit: '1000', operation: 'weigh', until: '2000-01-01' });
    assert.deepEqual(after.hits, before.hits);
    assert.deepEqual(readFileSync(path), was);
    assert.ok(lines.some((line) => line.includes('part of the search index is built again')));
  });
});

function unlessContradicted(error: unknown): null {
  if (isKudurruError(error, 'index-contradicts')) return null;
  throw error;
}
