// The ledger of one state folder, in native code on a thread of its own: calls run in their order,
// a promise a call, never one an action. Values are the formats' (SPEC.md §7, §8); indexes, sizes
// and times are bigints.
//
// Every method rejects with NativeError `ledger`, and one of these codes: disk-full (nothing was
// written, later it may be), not-found, not-held (its segment was retired), bad-argument,
// record-too-large; and, which end the ledger until the next start: journal-io-failed,
// journal-corrupt, ledger-closed.
import { checkBytes, checkInteger } from './arguments.ts';
import type {
  Applied,
  ApplyInput,
  BatchHandle,
  ClockSegment,
  LedgerFacts,
  LedgerOptions,
  LedgerOpening,
  LedgerRecord,
  LedgerSession,
  LedgerSystemEntry,
  NativeLedger,
  RecordKind,
  RecordsAsked,
  RetireAsked,
  Retirement,
} from './ledger-types.ts';
import type { PlainBody } from './body.ts';
import { nativePart } from './load.ts';
import { NativeError } from './native-error.ts';

interface LedgerPart {
  readonly Ledger: new (options: Required<LedgerOptions>) => NativeLedger;
  readLedgerId(folder: string): Uint8Array;
}

const native = nativePart<LedgerPart>();

/** c2sp.org/tlog-tiles: levels 0 to 63, 256 hashes or entries. */
const tileLevelMax = 63;
const tileWidth = 256;
const hashSizeBytes = 32;
const scopeSizeBytesMax = 64;
const entryKindMax = 31;
const folderSizeBytesMax = 4096;
const offsetSecondsMax = 1000;
const readEntriesMax = 1024n;
const indexMax = 2n ** 63n - 1n;
const segmentBytesDefault = 64n << 20n;
const timeLevelMax = 5;
const retryNames = ['never', 'later', 'restart'] as const;
const recordTypes: Record<RecordKind, number> = { checkpoint: 2, prepare: 3, 'scope-key': 4 };

/**
 * Opens the folder (its parent must exist), or begins a ledger in it, and replays its journal.
 * @throws NativeError `ledger`: state-folder-locked (names the process), state-folder-unusable,
 *   disk-full, journal-corrupt (segment and offset), journal-wrong-ledger, journal-unknown-format,
 *   journal-io-failed
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { folder, ledgerId, appliance = 0n, segmentBytes = segmentBytesDefault } = options;
  if (typeof folder !== 'string') throw new TypeError('folder is not a string');
  checkBytes(ledgerId, 'ledgerId', hashSizeBytes);
  checkIndex(appliance, 'appliance');
  checkIndex(segmentBytes, 'segmentBytes');
  const ledger = new native.Ledger({ folder, ledgerId, appliance, segmentBytes });
  return new Ledger(ledger, ledgerId, await ledger.open());
}

/**
 * The ledger that the journal in this state folder belongs to.
 * @throws NativeError `ledger`: not-found where there is none, state-folder-unusable,
 * journal-corrupt
 */
export function readLedgerId(folder: string): Uint8Array {
  if (typeof folder !== 'string') throw new TypeError('folder is not a string');
  return native.readLedgerId(folder);
}

/** For intake, which hands submissions to it without JavaScript. */
export function nativeLedgerOf(ledger: Ledger): NativeLedger {
  return Ledger.nativeOf(ledger);
}

export class Ledger {
  readonly #native: NativeLedger;
  readonly ledgerId: Uint8Array;
  /** What opening found; the facts are those of that moment. */
  readonly opening: LedgerOpening;

  constructor(ledger: NativeLedger, ledgerId: Uint8Array, opening: LedgerOpening) {
    this.#native = ledger;
    this.ledgerId = ledgerId.slice();
    this.opening = opening;
  }

  static nativeOf(ledger: Ledger): NativeLedger {
    return ledger.#native;
  }

  /** As of the last group that was made durable. */
  get facts(): LedgerFacts {
    return this.#native.facts();
  }

  /**
   * The items of the batch first, then the system entries, in their order. All that is not refused
   * is durable when the promise resolves; nothing remains of what is. Each item has its receipt or
   * refusal. An error is the whole batch's, and ends the ledger.
   */
  async apply(batch: BatchHandle | null, input: ApplyInput): Promise<Applied> {
    checkInteger(input.taiMinusUtcSeconds, 'taiMinusUtcSeconds', {
      min: -offsetSecondsMax,
      max: offsetSecondsMax,
    });
    input.system.forEach(checkSystemEntry);
    const handle = batch === null ? null : batch.handle;
    const applied = await this.#native.apply(handle, input.taiMinusUtcSeconds, input.system);
    const outcomes = applied.outcomes.map((outcome) => {
      if (outcome.refusal === undefined) {
        return { index: outcome.index, leafHash: outcome.leafHash };
      }
      const { code, message, retry } = outcome.refusal;
      return { refusal: { code, message, retry: retryNames[retry] ?? 'never' } };
    });
    return { ...applied, outcomes };
  }

  /** Durable when the promise resolves. */
  appendRecord(kind: RecordKind, bytes: Uint8Array): Promise<void> {
    checkBytes(bytes, 'bytes');
    return this.#native.appendRecord(recordTypes[kind], bytes);
  }

  /** The newest ones of a kind, the oldest first. Costs what it gives, not what there is. */
  records(kind: RecordKind, asked: RecordsAsked): Promise<readonly LedgerRecord[]> {
    const { newest, fromRecord = 0n, beforeRecord = indexMax } = asked;
    checkInteger(newest, 'newest', { min: 0, max: Number.MAX_SAFE_INTEGER });
    checkIndex(fromRecord, 'fromRecord');
    checkIndex(beforeRecord, 'beforeRecord');
    return this.#native.records(recordTypes[kind], { newest, fromRecord, beforeRecord });
  }

  /** What happened to derived files since the last call: for the log, in words. */
  takeNotes(): Promise<readonly string[]> {
    return this.#native.takeNotes();
  }

  /** By the index of their enrolment. */
  agents(): ReturnType<NativeLedger['agents']> {
    return this.#native.agents();
  }

  /** Size and root of the tree, and where every agent stood in it (SPEC.md §9). */
  agentHeads(): ReturnType<NativeLedger['agentHeads']> {
    return this.#native.agentHeads();
  }

  /** By index. */
  openSessions(): Promise<readonly LedgerSession[]> {
    return this.#native.openSessions();
  }

  /** Index of the newest entry of the kind with this number; null where there is none. */
  lastOfKind(kind: number): Promise<bigint | null> {
    checkInteger(kind, 'kind', { min: 0, max: entryKindMax });
    return this.#native.lastOfKind(kind);
  }

  /** @throws NativeError `ledger` not-found */
  async readEntry(index: bigint): Promise<Uint8Array> {
    const [entry] = await this.readEntries(index, 1n);
    if (entry !== undefined) return entry;
    throw new NativeError(`the ledger has no entry ${index}`, {
      domain: 'ledger',
      code: 'not-found',
      operation: 'readEntry',
    });
  }

  /** As many as there are from `first` on, at most `count` and 1,024. */
  readEntries(first: bigint, count: bigint): Promise<readonly Uint8Array[]> {
    checkIndex(first, 'first');
    checkIndex(count, 'count');
    return this.#native.readEntries(first, count < readEntriesMax ? count : readEntriesMax);
  }

  /** Size and root of the tree right after the group that holds the entry. */
  groupOf(index: bigint): ReturnType<NativeLedger['groupOf']> {
    checkIndex(index, 'index');
    return this.#native.groupOf(index);
  }

  /** RFC 6962 §2.1.1; index < size <= the tree's size. */
  inclusionPath(index: bigint, size: bigint): Promise<readonly Uint8Array[]> {
    checkIndex(index, 'index');
    checkIndex(size, 'size');
    return this.#native.inclusionPath(index, size);
  }

  /** RFC 6962 §2.1.2; oldSize <= size <= the tree's size. */
  consistencyPath(oldSize: bigint, size: bigint): Promise<readonly Uint8Array[]> {
    checkIndex(oldSize, 'oldSize');
    checkIndex(size, 'size');
    return this.#native.consistencyPath(oldSize, size);
  }

  rootAt(size: bigint): Promise<Uint8Array> {
    checkIndex(size, 'size');
    return this.#native.rootAt(size);
  }

  /** Writes the C2SP tlog-tiles files of the tree of this size under `tile/` of the folder. */
  publish(size: bigint): Promise<void> {
    checkIndex(size, 'size');
    return this.#native.publish(size);
  }

  /**
   * The bytes of a file of the tree that is not there, or not of its form: made again, and a full
   * one is written. @throws NativeError `ledger` not-found
   */
  remakeTile(level: number | 'entries', index: bigint, width: number): Promise<Uint8Array> {
    if (level !== 'entries') checkInteger(level, 'level', { min: 0, max: tileLevelMax });
    checkIndex(index, 'index');
    checkInteger(width, 'width', { min: 1, max: tileWidth });
    return this.#native.remakeTile(level === 'entries' ? null : level, index, width);
  }

  /**
   * Null where the entry has no such body, or its scope no key (any more).
   * @throws NativeError `ledger` not-held: its segment was retired
   */
  async openBody(index: bigint, field: number): Promise<PlainBody | null> {
    checkIndex(index, 'index');
    checkInteger(field, 'field', { min: 1, max: 255 });
    try {
      const plain = await this.#native.openBody(index, field);
      return { salt: plain.subarray(0, hashSizeBytes), bytes: plain.subarray(hashSizeBytes) };
    } catch (error) {
      if (error instanceof NativeError && error.code === 'not-found') return null;
      throw error;
    }
  }

  /** From the next call on, bodies of the scope are sealed and opened with this key, 32 bytes. */
  useScopeKey(scope: string, key: Uint8Array): Promise<void> {
    if (typeof scope !== 'string' || Buffer.byteLength(scope) > scopeSizeBytesMax) {
      throw new RangeError(`scope is not a text of at most ${scopeSizeBytesMax} bytes`);
    }
    checkBytes(key, 'key', hashSizeBytes);
    return this.#native.useScopeKey(scope, key);
  }

  /**
   * From the next batch on, the time, windows and level of every entry follow from the segment,
   * until the machine has been suspended for longer than `suspendedNs`.
   * @param suspendedNs `readSuspendedNs` when the segment's evidence was taken
   * @throws NativeError `ledger` bad-argument: the log has no entry of that index
   */
  useSegment(segment: ClockSegment, suspendedNs: bigint): Promise<void> {
    checkSegment(segment);
    if (typeof suspendedNs !== 'bigint') throw new TypeError('suspendedNs is not a bigint');
    return this.#native.useSegment(segment, suspendedNs);
  }

  /** From the next batch on, entries are timed by the system clock, until the next segment. */
  dropSegment(): Promise<void> {
    return this.#native.dropSegment();
  }

  /**
   * From the next batch on, submissions of the agent enrolled at this index are refused with
   * `time-level`, later, while the level is below this one (0 UNKNOWN … 5 ATTESTED).
   */
  requireTimeLevel(agentIndex: bigint, level: number): Promise<void> {
    checkIndex(agentIndex, 'agentIndex');
    checkInteger(level, 'level', { min: 0, max: timeLevelMax });
    return this.#native.requireTimeLevel(agentIndex, level);
  }

  /**
   * Lets the oldest segments go: a record that says so is durable when the promise resolves, and
   * the ledger has ended, but keeps its folder until `release`. Where an earlier call to the same
   * folder was not finished, it is that one again.
   * @throws NativeError `ledger` not-found (no segment may go), bad-argument (another folder)
   */
  retire(asked: RetireAsked): Promise<Retirement> {
    checkIndex(asked.before, 'before');
    checkIndex(asked.anchored, 'anchored');
    if (typeof asked.folder !== 'string' || !asked.folder.startsWith('/')) {
      throw new TypeError('folder is not an absolute path');
    }
    if (Buffer.byteLength(asked.folder) > folderSizeBytesMax) {
      throw new RangeError(`folder has a path of more than ${folderSizeBytesMax} bytes`);
    }
    return this.#native.retire(asked);
  }

  /** Moves the next of them; gives its bytes. */
  retireNext(): Promise<bigint> {
    return this.#native.retireNext();
  }

  /** Ends in order: the journal's last record says so. The folder is free afterwards. */
  stop(): Promise<void> {
    return this.#native.stop();
  }

  /** Lets the folder go without a word in the journal: the next start finds an unclean end. */
  release(): Promise<void> {
    return this.#native.release();
  }
}

function checkSystemEntry(entry: LedgerSystemEntry, at: number): void {
  const name = `system[${at}]`;
  checkInteger(entry.number, `${name}.number`, { min: 0, max: entryKindMax });
  checkIndex(entry.taiNs, `${name}.taiNs`);
  checkIndex(entry.monotonicRawNs, `${name}.monotonicRawNs`);
  checkBytes(entry.fields, `${name}.fields`);
  entry.bodies.forEach(({ field, salt, bytes }, place) => {
    checkInteger(field, `${name}.bodies[${place}].field`, { min: 1, max: 255 });
    checkBytes(salt, `${name}.bodies[${place}].salt`, hashSizeBytes);
    checkBytes(bytes, `${name}.bodies[${place}].bytes`);
  });
}

function checkSegment(segment: ClockSegment): void {
  const signed = ['baseRawNs', 'baseTaiNs', 'ratePpb', 'lockedUntilRawNs', 'holdoverUntilRawNs'];
  for (const name of signed as (keyof ClockSegment)[]) {
    const value: unknown = segment[name];
    if (typeof value !== 'bigint') throw new TypeError(`${name} is not a bigint`);
    if (value < -indexMax || value > indexMax) {
      throw new RangeError(`${name} is not in -(2^63 - 1) .. 2^63 - 1`);
    }
  }
  checkIndex(segment.statisticalNs ?? 0n, 'statisticalNs');
  checkIndex(segment.adversarialNs ?? 0n, 'adversarialNs');
  checkIndex(segment.statisticalGrowthPpb, 'statisticalGrowthPpb');
  checkIndex(segment.adversarialGrowthPpb, 'adversarialGrowthPpb');
  checkInteger(segment.level, 'level', { min: 0, max: timeLevelMax });
  checkIndex(segment.evidenceIndex, 'evidenceIndex');
  checkIndex(segment.widthMaxNs, 'widthMaxNs');
}

function checkIndex(value: unknown, name: string): void {
  if (typeof value !== 'bigint') throw new TypeError(`${name} is not a bigint`);
  if (value < 0n || value > indexMax) throw new RangeError(`${name} is not in 0 .. 2^63 - 1`);
}
