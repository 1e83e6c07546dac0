/**
 * The codes that the native code raises: in a refusal of the agent socket, of the ledger, or as
 * NativeError. One row a code; what it means here is what the CLI prints.
 */
export const NATIVE_CODES = {
  // Of a submission by itself (SPEC.md §3 to §6).
  'action-count-mismatch': {
    retry: 'never',
    meaning: 'a statement does not count the envelopes that came with it',
  },
  'algorithm-unknown': {
    retry: 'never',
    meaning: 'a statement is signed with neither Ed25519 nor ESP256',
  },
  'body-incomplete': {
    retry: 'never',
    meaning: 'the last chunks of a large body did not come before its submission',
  },
  'body-malformed': {
    retry: 'never',
    meaning: 'a body is of neither of its two forms, or out of order',
  },
  'body-missing': { retry: 'never', meaning: 'a commitment says deposited and no body came' },
  'body-scope-mismatch': {
    retry: 'never',
    meaning: "a large body was announced for another erasure scope than its action's",
  },
  'body-size-invalid': {
    retry: 'never',
    meaning: 'a body in a submission has 1 to 262,144 bytes, one in chunks up to 16,777,216',
  },
  'body-unexpected': {
    retry: 'never',
    meaning: 'a body came that no commitment announces as deposited',
  },
  'cbor-malformed': { retry: 'never', meaning: 'bytes are not deterministic CBOR' },
  'commitment-mismatch': {
    retry: 'never',
    meaning: "body, salt and length do not give the commitment's digest",
  },
  'envelope-invalid': { retry: 'never', meaning: 'an envelope breaks the action schema' },
  'envelope-too-long': { retry: 'never', meaning: 'an envelope is longer than 16,384 bytes' },
  'level-not-offered': {
    retry: 'never',
    meaning: 'a receipt of a level that this ledger does not give',
  },
  'root-mismatch': { retry: 'never', meaning: "a statement's root is not that of the envelopes" },
  'salt-repeated': { retry: 'never', meaning: 'two bodies of a submission share a salt' },
  'session-mismatch': {
    retry: 'never',
    meaning: 'another session than the connection carries is named',
  },
  'statement-malformed': {
    retry: 'never',
    meaning: 'a statement is not the one form of COSE_Sign1',
  },
  'submission-malformed': { retry: 'never', meaning: 'not [statement, envelopes, bodies, level]' },
  'too-many-actions': { retry: 'never', meaning: 'a submission has no action, or more than 1,024' },
  'too-many-large-bodies': {
    retry: 'never',
    meaning: 'a submission has more than 16 bodies of more than 262,144 bytes',
  },
  // Of a connection on the agent socket: it ends.
  'body-chunk-unexpected': { retry: 'never', meaning: 'a chunk of a body came out of turn' },
  'client-stalled': { retry: 'later', meaning: 'answers were not read in time' },
  'descriptor-passed': { retry: 'never', meaning: 'file descriptors came with a frame' },
  'frame-empty': { retry: 'never', meaning: 'a frame has no payload' },
  'frame-malformed': { retry: 'never', meaning: 'the payload of a frame is not of its form' },
  'frame-not-canonical': {
    retry: 'never',
    meaning: 'the payload of a frame is not deterministic CBOR',
  },
  'frame-stalled': { retry: 'later', meaning: 'the rest of a frame did not come in time' },
  'frame-too-long': {
    retry: 'never',
    meaning: 'the length of a frame is over its limit; nothing of it was read',
  },
  'frame-truncated': { retry: 'never', meaning: 'the connection ended inside a frame' },
  'frame-two-writers': { retry: 'never', meaning: 'two processes wrote the bytes of one frame' },
  'frame-type-unknown': { retry: 'never', meaning: 'a frame is of no type of this protocol' },
  'frame-unexpected': {
    retry: 'never',
    meaning: 'a frame that the state of the connection does not allow',
  },
  'handshake-stalled': { retry: 'later', meaning: 'no session was opened in time' },
  'session-not-open': {
    retry: 'never',
    meaning: 'a submission came before the session was opened',
  },
  'too-many-connections': {
    retry: 'later',
    meaning: 'as many connections are open as the settings allow',
  },
  overloaded: {
    retry: 'later',
    meaning: 'a submission waited too long for the ledger to come to it; nothing of it remains',
  },
  'writer-unknown': { retry: 'never', meaning: 'the kernel names no process as the writer' },
  // Where the ledger would append: nothing of it remains.
  'disk-full': {
    retry: 'later',
    meaning: 'the disk has no room for it; nothing of it was written',
  },
  'entry-malformed': {
    retry: 'never',
    meaning: 'fields or bodies of a system entry are not of their form',
  },
  'entry-out-of-place': { retry: 'never', meaning: 'a system entry contradicts the log so far' },
  'previous-statement-mismatch': {
    retry: 'never',
    meaning: "the session's statement before it is not named",
  },
  'record-too-large': { retry: 'never', meaning: 'a record is over the limit of the journal' },
  'scope-key-missing': { retry: 'later', meaning: "a body's erasure scope has no key yet" },
  'sequence-gap': {
    retry: 'never',
    meaning: "a statement begins after the session's next sequence number",
  },
  'sequence-taken': {
    retry: 'never',
    meaning: 'another statement stands at this place of the session',
  },
  'time-level': {
    retry: 'later',
    meaning: 'the level of time is below the one that the agent requires; later it may be reached',
  },
  // Of the journal: the ledger does not open, or ends.
  'bad-argument': { retry: 'restart', meaning: 'a call broke its own contract' },
  'journal-corrupt': { retry: 'restart', meaning: 'durable bytes are not what was written' },
  'journal-io-failed': {
    retry: 'restart',
    meaning: 'a read, write or sync failed: the disk is to be read anew',
  },
  'journal-unknown-format': {
    retry: 'never',
    meaning: 'written by a version that this one does not know',
  },
  'journal-wrong-ledger': { retry: 'never', meaning: 'it belongs to another ledger' },
  'ledger-closed': {
    retry: 'restart',
    meaning: 'the ledger has ended, in order or by an earlier failure',
  },
  'not-held': {
    retry: 'never',
    meaning: 'it was in a segment of the journal that was retired: moved to another folder',
  },
  'state-folder-locked': { retry: 'later', meaning: 'another process uses the state folder' },
} as const;
