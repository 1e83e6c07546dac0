// What the ledger takes and gives.

export interface LedgerOptions {
  /** State folder; its parent must exist. */
  readonly folder: string;
  /** 32 bytes. */
  readonly ledgerId: Uint8Array;
  /** This appliance's number in the ledger; 0 by default. */
  readonly appliance?: bigint;
  /** Size of a new journal segment; 64 MiB by default. */
  readonly segmentBytes?: bigint;
}

/** What the log says at its end. */
export interface LedgerFacts {
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Of this appliance's last entry; 0 before the first. */
  readonly lastTaiNs: bigint;
  /** Index of its last boot entry. */
  readonly bootIndex: bigint;
  /** Boot entries in the log. */
  readonly bootCount: number;
  /** Of chunks of large bodies in the journal that no statement names, or not yet. */
  readonly unnamedChunkBytes: bigint;
}

export interface LedgerOpening {
  readonly facts: LedgerFacts;
  /** A journal was begun. */
  readonly created: boolean;
  /** The last run ended in order. */
  readonly stoppedCleanly: boolean;
  /** Cut off at `tornAt`: a write that was never acknowledged. */
  readonly tornBytes: bigint;
  readonly tornAt: JournalPosition;
  /**
   * How the journal's end was read: `direct` from the platter; `dropped-cache`, where the file
   * system has no direct reads, through the page cache, synced and dropped before.
   */
  readonly tailRead: 'direct' | 'dropped-cache';
  readonly replay: LedgerReplay;
}

export interface LedgerReplay {
  /** Segment of the snapshot that the replay began from; null for the journal's beginning. */
  readonly snapshot: number | null;
  readonly from: JournalPosition;
  readonly records: bigint;
}

export interface JournalPosition {
  readonly segment: number;
  readonly offset: bigint;
  readonly record: bigint;
}

/** An intake batch; only its handle is looked at. */
export interface BatchHandle {
  readonly handle: unknown;
}

/** Kinds of records beside the entries that others keep in the journal. */
export type RecordKind = 'checkpoint' | 'prepare' | 'scope-key';

/** Which records of a kind: the newest of those that are allowed. */
export interface RecordsAsked {
  /** At most so many. */
  readonly newest: number;
  /** None of a lower number; 0 by default. */
  readonly fromRecord?: bigint;
  /** None of this number or a higher one. */
  readonly beforeRecord?: bigint;
}

export interface LedgerRecord {
  /** Its number in the journal. */
  readonly record: bigint;
  /** Size of the tree when it was written. */
  readonly treeSize: bigint;
  readonly bytes: Uint8Array;
}

/** An entry that the daemon makes itself. The ledger adds chain, boot index and appliance. */
export interface LedgerSystemEntry {
  /** Of the kind (SPEC.md §7). */
  readonly number: number;
  readonly taiNs: bigint;
  readonly monotonicRawNs: bigint;
  /** CBOR array of the kind's fields. */
  readonly fields: Uint8Array;
  /** Exactly those whose commitments say that they are deposited. */
  readonly bodies: readonly {
    readonly field: number;
    readonly salt: Uint8Array;
    readonly bytes: Uint8Array;
  }[];
}

/**
 * Time by CLOCK_MONOTONIC_RAW, as an entry of time evidence has it: SPEC.md §9.2 says what follows
 * for each entry. All bigints are in −2^63 .. 2^63−1; widths, growths and indexes not below 0.
 */
export interface ClockSegment {
  readonly baseRawNs: bigint;
  readonly baseTaiNs: bigint;
  readonly ratePpb: bigint;
  /** Null: unknown. */
  readonly statisticalNs: bigint | null;
  readonly adversarialNs: bigint | null;
  readonly statisticalGrowthPpb: bigint;
  readonly adversarialGrowthPpb: bigint;
  /** 0 UNKNOWN … 5 ATTESTED. */
  readonly level: number;
  /** Of the entry with the evidence, which is in the log. */
  readonly evidenceIndex: bigint;
  readonly lockedUntilRawNs: bigint;
  readonly holdoverUntilRawNs: bigint;
  readonly widthMaxNs: bigint;
}

export interface ApplyInput {
  /** In force, for the times of the batch's items. */
  readonly taiMinusUtcSeconds: number;
  readonly system: readonly LedgerSystemEntry[];
}

/**
 * Codes: entry-malformed, entry-out-of-place (contradicts the log), scope-key-missing, not-ready
 * (no boot entry of this run yet), disk-full, record-too-large.
 */
export interface LedgerRefusal {
  readonly code: string;
  readonly message: string;
  readonly retry: 'never' | 'later' | 'restart';
}

export type SystemOutcome =
  { readonly index: bigint; readonly leafHash: Uint8Array } | { readonly refusal: LedgerRefusal };

export interface Applied {
  readonly facts: LedgerFacts;
  /** Where the first entry of this batch stands, if there is any. */
  readonly firstIndex: bigint;
  /** Submissions that got a new place; that got the receipt they had; that the ledger refused. */
  readonly accepted: number;
  readonly repeated: number;
  readonly refused: number;
  /** One for each system entry. */
  readonly outcomes: readonly SystemOutcome[];
}

export interface RetireAsked {
  /** Entries from this index on stay in the journal. */
  readonly before: bigint;
  /** Entries that an anchor covers. */
  readonly anchored: bigint;
  /** Absolute; it is there, and on no path into the state folder. */
  readonly folder: string;
}

/** Segments of the journal that go. */
export interface Retirement {
  readonly firstSegment: number;
  readonly lastSegment: number;
  /** The first entry that stays. */
  readonly firstIndex: bigint;
  /** Segments that are still to be moved. */
  readonly left: number;
}

export interface LedgerSession {
  /** Of the session.open entry, whose leaf hash is `id`. */
  readonly index: bigint;
  readonly id: Uint8Array;
  readonly agentIndex: bigint;
  readonly number: number;
  readonly nextSequence: bigint;
  readonly previousStatementHash: Uint8Array;
}

export interface LedgerAgent {
  readonly index: bigint;
  readonly agentId: string;
  readonly nextSessionNumber: number;
}

export interface AgentHeads extends LedgerFacts {
  readonly agentHeadsRoot: Uint8Array;
  /** The leaves under it, in order. */
  readonly leaves: readonly Uint8Array[];
}

interface NativeApplied extends Omit<Applied, 'outcomes'> {
  readonly outcomes: readonly {
    readonly index: bigint;
    readonly leafHash: Uint8Array;
    readonly refusal?: { readonly code: string; readonly message: string; readonly retry: number };
  }[];
}

/** The addon's object. */
export interface NativeLedger {
  open(): Promise<LedgerOpening>;
  facts(): LedgerFacts;
  apply(
    handle: unknown,
    taiMinusUtcSeconds: number,
    system: readonly LedgerSystemEntry[],
  ): Promise<NativeApplied>;
  appendRecord(type: number, bytes: Uint8Array): Promise<void>;
  records(type: number, asked: Required<RecordsAsked>): Promise<readonly LedgerRecord[]>;
  takeNotes(): Promise<readonly string[]>;
  agents(): Promise<readonly LedgerAgent[]>;
  agentHeads(): Promise<AgentHeads>;
  openSessions(): Promise<readonly LedgerSession[]>;
  lastOfKind(kind: number): Promise<bigint | null>;
  readEntries(first: bigint, count: bigint): Promise<readonly Uint8Array[]>;
  groupOf(index: bigint): Promise<{ readonly size: bigint; readonly root: Uint8Array }>;
  inclusionPath(index: bigint, size: bigint): Promise<readonly Uint8Array[]>;
  consistencyPath(oldSize: bigint, size: bigint): Promise<readonly Uint8Array[]>;
  rootAt(size: bigint): Promise<Uint8Array>;
  publish(size: bigint): Promise<void>;
  remakeTile(level: number | null, index: bigint, width: number): Promise<Uint8Array>;
  openBody(index: bigint, field: number): Promise<Uint8Array>;
  useScopeKey(scope: string, key: Uint8Array): Promise<void>;
  useSegment(segment: ClockSegment, suspendedNs: bigint): Promise<void>;
  dropSegment(): Promise<void>;
  requireTimeLevel(agentIndex: bigint, level: number): Promise<void>;
  retire(asked: RetireAsked): Promise<Retirement>;
  retireNext(): Promise<bigint>;
  stop(): Promise<void>;
  release(): Promise<void>;
}
