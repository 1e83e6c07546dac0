/**
 * The search index as SQL: what may be asked of the log without reading it. It follows the
 * published tiles, is never trusted (every answer is read again from the ledger and compared), and
 * may be deleted at any time: it is rebuilt. `INDEX_VERSION` goes up with any change here or in
 * index-row.ts.
 */
export const INDEX_VERSION = 1;

/**
 * `idx` is the entry's index; an agent or session is named by the index of the entry that made it.
 */
export const INDEX_SCHEMA = `
CREATE TABLE agent (idx INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;
CREATE TABLE session (idx INTEGER PRIMARY KEY, id BLOB NOT NULL, agent INTEGER NOT NULL,
                      number INTEGER NOT NULL) STRICT;
CREATE TABLE statement (idx INTEGER PRIMARY KEY, session INTEGER NOT NULL,
                        first_sequence INTEGER NOT NULL, actions INTEGER NOT NULL) STRICT;
CREATE TABLE anchor (
  idx INTEGER PRIMARY KEY, size INTEGER NOT NULL, counter INTEGER NOT NULL
) STRICT;
CREATE TABLE entry (idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, tai_ns INTEGER NOT NULL) STRICT;
CREATE TABLE action (
  idx INTEGER PRIMARY KEY,
  tai_ns INTEGER NOT NULL,
  agent INTEGER NOT NULL,
  session INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  operation TEXT NOT NULL,
  tool TEXT,
  status INTEGER,
  trace BLOB,
  external TEXT,
  intent_session BLOB,
  intent_sequence INTEGER
) STRICT;
CREATE UNIQUE INDEX session_id ON session (id);
CREATE UNIQUE INDEX action_place ON action (session, sequence);
CREATE INDEX action_agent ON action (agent, idx);
CREATE INDEX action_intent ON action (intent_session, intent_sequence)
  WHERE intent_session IS NOT NULL;
CREATE INDEX action_trace ON action (trace) WHERE trace IS NOT NULL;
CREATE INDEX action_external ON action (external) WHERE external IS NOT NULL;
CREATE INDEX anchor_size ON anchor (size);
CREATE TABLE position (only INTEGER PRIMARY KEY CHECK (only = 0), size INTEGER NOT NULL) STRICT;
INSERT INTO position VALUES (0, 0);
PRAGMA user_version = ${INDEX_VERSION};
`;

/**
 * Write-ahead logging lets the daemon read while the worker writes; a lost tail is indexed again.
 */
export const INDEX_PRAGMAS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
`;
