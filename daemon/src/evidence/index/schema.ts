/**
 * A file of the search index as SQL: the actions, sessions and anchors of one range of the log.
 * Rows come first and in order, the indexes over them at the end, all at once: many times faster
 * than keeping them up row by row. `INDEX_VERSION` goes up with any change here.
 */
export const INDEX_VERSION = 2;

/** 'KUDX': what file(1) and fsck can tell a file by. */
export const APPLICATION_ID = 0x4b554458;

/**
 * `idx` is an entry's index; an agent or session is named by the index of the entry that made it.
 * `status` 0: none. `intent_session`: the first eight bytes of the session id that is named.
 */
export const TABLES = `
CREATE TABLE segment (
  ledger BLOB NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  is_ascending INTEGER NOT NULL,
  last_leaf BLOB NOT NULL
) STRICT;
CREATE TABLE session (idx INTEGER PRIMARY KEY, id BLOB NOT NULL, agent INTEGER NOT NULL) STRICT;
CREATE TABLE anchor (idx INTEGER PRIMARY KEY, size INTEGER NOT NULL) STRICT;
CREATE TABLE head (agent INTEGER PRIMARY KEY, idx INTEGER NOT NULL) STRICT;
CREATE TABLE action (
  idx INTEGER PRIMARY KEY,
  tai_ns INTEGER NOT NULL,
  agent INTEGER NOT NULL,
  session INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  operation TEXT NOT NULL,
  tool TEXT,
  trace BLOB,
  external TEXT,
  intent_session INTEGER,
  intent_sequence INTEGER
) STRICT;
PRAGMA user_version = ${INDEX_VERSION};
PRAGMA application_id = ${APPLICATION_ID};
`;

export const ACTION_COLUMNS = 13;

/** Made when all rows are there. Each also orders by `idx`, which SQLite keeps in every index. */
export const INDEXES: readonly string[] = [
  'CREATE INDEX session_id ON session (id)',
  'CREATE INDEX action_agent ON action (agent)',
  'CREATE INDEX action_place ON action (session, sequence)',
  'CREATE INDEX action_operation ON action (operation)',
  'CREATE INDEX action_tool ON action (tool) WHERE tool IS NOT NULL',
  'CREATE INDEX action_trouble ON action (status) WHERE status > 1',
  'CREATE INDEX action_trace ON action (trace) WHERE trace IS NOT NULL',
  'CREATE INDEX action_external ON action (external) WHERE external IS NOT NULL',
  `CREATE INDEX action_intent ON action (intent_session, intent_sequence)
   WHERE intent_session IS NOT NULL`,
  'INSERT INTO head SELECT agent, max(idx) FROM action GROUP BY agent',
];

/** A file that is being made: nobody else sees it, and one that was cut off is thrown away. */
export const BUILD_PRAGMAS = `
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -16384;
`;

/** A sealed file, of which many are open at once. */
export const READ_PRAGMAS = 'PRAGMA cache_size = -512; PRAGMA query_only = 1;';
