import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { INDEX_PRAGMAS, INDEX_SCHEMA } from '../../src/evidence/index-schema.ts';
import { SearchIndex } from '../../src/evidence/search-index.ts';

const sessionId = (number: number): Uint8Array => new Uint8Array(32).fill(number);

describe('search index, outcome of an intent', () => {
  let folder: string;
  let database: DatabaseSync;
  let places: SearchIndex;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-index-'));
    const path = join(folder, 'index.sqlite');
    database = new DatabaseSync(path);
    database.exec(INDEX_SCHEMA);
    database.exec(INDEX_PRAGMAS);
    places = new SearchIndex(path);
    // Agents 2 and 3 with the sessions 4 and 5.
    const session = database.prepare('INSERT INTO session VALUES (?, ?, ?, 0)');
    session.run(4, sessionId(4), 2);
    session.run(5, sessionId(5), 3);
    add(10, { agent: 2, session: 4, sequence: 0 });
  });

  afterEach(() => {
    places.close();
    database.close();
    rmSync(folder, { recursive: true });
  });

  interface Place {
    readonly agent: number;
    readonly session: number;
    readonly sequence: number;
  }

  function add(index: number, place: Place, intent: number | null = null): void {
    const insert = database.prepare(
      `INSERT INTO action (idx, tai_ns, agent, session, sequence, kind, operation, intent_session,
                           intent_sequence) VALUES (?, 0, ?, ?, ?, 1, 'call', ?, ?)`,
    );
    const named = intent === null ? null : sessionId(4);
    insert.run(index, place.agent, place.session, place.sequence, named, intent);
  }

  it('is the first by the same agent', () => {
    add(12, { agent: 2, session: 4, sequence: 1 }, 0);
    add(13, { agent: 2, session: 4, sequence: 2 }, 0);
    assert.equal(places.outcomeOf(sessionId(4), 0n), 12n);
  });

  it('is none of another agent', () => {
    add(12, { agent: 3, session: 5, sequence: 0 }, 0);
    assert.equal(places.outcomeOf(sessionId(4), 0n), null);
  });

  it('is none that stood there before the intent did', () => {
    add(12, { agent: 2, session: 4, sequence: 1 }, 2);
    add(13, { agent: 2, session: 4, sequence: 2 });
    assert.equal(places.outcomeOf(sessionId(4), 2n), null);
  });
});
