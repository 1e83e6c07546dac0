/** The native ledger with the daemon's units and error codes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import {
  NativeError,
  openLedger,
  readLedgerId,
  type BatchHandle,
  type Ledger as NativeLedger,
  type LedgerOpening,
  type RecordKind,
  type RecordsAsked,
  type SystemOutcome,
} from '@kudurru/native';
import { TIME_LEVELS, type Segment, type TileName, type TimeLevel } from '@kudurru/proof';

import { ERROR_CODES, KudurruError, type ErrorCode } from '../base/errors.ts';
import {
  leafIndex,
  taiNs,
  treeSize,
  type LeafIndex,
  type TaiNs,
  type TreeSize,
} from '../base/units.ts';
import { kindNumber, type SystemEntry, type SystemKind } from './system-entry.ts';

export type { BatchHandle, RecordKind, RecordsAsked };

/** How the journal's end was read, and from where on it was replayed. */
export type StoreOpening = Pick<LedgerOpening, 'tailRead' | 'replay'>;

export interface StoredRecord {
  /** Its number in the journal. */
  readonly record: bigint;
  /** Size of the tree when it was written. */
  readonly treeSize: TreeSize;
  readonly bytes: Uint8Array;
}

export interface AgentRow {
  /** Of its `agent.enrol` entry. */
  readonly index: LeafIndex;
  readonly nextSessionNumber: number;
}

export interface OpenSession {
  /** Of its `session.open` entry, whose leaf hash is `id`. */
  readonly index: LeafIndex;
  readonly id: Uint8Array;
  readonly agentIndex: LeafIndex;
  readonly number: number;
  readonly nextSequence: bigint;
  readonly previousStatementHash: Uint8Array;
}

export interface OpenedBody {
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
}

/** An entry's place, or why it has none. */
export type Outcome =
  { readonly index: LeafIndex; readonly leafHash: Uint8Array } | { readonly refusal: KudurruError };

export interface ApplyInput {
  /** For the times of submissions. */
  readonly taiMinusUtcSeconds: number;
  readonly system: readonly StampedEntry[];
}

export interface StampedEntry extends SystemEntry {
  readonly taiNs: bigint;
  readonly monotonicRawNs: bigint;
}

export interface StoreHead {
  readonly size: TreeSize;
  readonly root: Uint8Array;
}

/** Null where the folder holds no ledger. @throws KudurruError `ledger-failed` */
export function ledgerIdIn(folder: string): Uint8Array | null {
  if (!existsSync(join(folder, 'journal'))) return null;
  try {
    return readLedgerId(folder);
  } catch (error) {
    if (error instanceof NativeError && error.code === 'not-found') return null;
    throw errorOf(error);
  }
}

export interface StoreOptions {
  readonly folder: string;
  readonly ledgerId: Uint8Array;
  /** Of new segments of the journal. */
  readonly segmentBytes?: bigint;
}

/** Opens the folder's ledger, or begins one. @throws KudurruError, see `errorOf` */
export async function openStore(options: StoreOptions): Promise<LedgerStore> {
  return new LedgerStore(await named(openLedger(options)));
}

export class LedgerStore {
  readonly #native: NativeLedger;

  constructor(native: NativeLedger) {
    this.#native = native;
  }

  get ledgerId(): Uint8Array {
    return this.#native.ledgerId;
  }

  /** For intake, whose submissions come to it without TypeScript. */
  get native(): NativeLedger {
    return this.#native;
  }

  /** The run before ended in order; true for a new ledger. */
  get stoppedCleanly(): boolean {
    const { created, stoppedCleanly } = this.#native.opening;
    return created || stoppedCleanly;
  }

  /** Cut off the journal's end at the start: never acknowledged. */
  get tornBytes(): bigint {
    return this.#native.opening.tornBytes;
  }

  get opening(): StoreOpening {
    return this.#native.opening;
  }

  /** What became of derived files since the last call, in words. */
  takeNotes(): Promise<readonly string[]> {
    return named(this.#native.takeNotes());
  }

  head(): StoreHead {
    const { size, root } = this.#native.facts;
    return { size: treeSize(size), root };
  }

  /** Of the last entry, and the boot entry of its run. */
  lastTime(): { readonly taiNs: TaiNs; readonly bootIndex: LeafIndex } {
    const { lastTaiNs, bootIndex } = this.#native.facts;
    return { taiNs: taiNs(lastTaiNs), bootIndex: leafIndex(bootIndex) };
  }

  /** Of chunks of large bodies that no statement names, or not yet: nothing shows them. */
  unnamedChunkBytes(): bigint {
    return this.#native.facts.unnamedChunkBytes;
  }

  /** Boot entries so far. */
  bootCount(): number {
    return this.#native.facts.bootCount;
  }

  /** The outcomes of the system entries; submissions have theirs in the batch. */
  async apply(batch: BatchHandle | null, input: ApplyInput): Promise<readonly Outcome[]> {
    const { outcomes } = await named(this.#native.apply(batch, input));
    return outcomes.map(outcomeOf);
  }

  async snapshot(): Promise<StoreHead & { readonly agentHeadsRoot: Uint8Array }> {
    const { size, root, agentHeadsRoot } = await named(this.#native.agentHeads());
    return { size: treeSize(size), root, agentHeadsRoot };
  }

  async appendRecord(kind: RecordKind, bytes: Uint8Array): Promise<void> {
    await named(this.#native.appendRecord(kind, bytes));
  }

  /** The newest of a kind, the oldest of them first. */
  async records(kind: RecordKind, asked: RecordsAsked): Promise<readonly StoredRecord[]> {
    const records = await named(this.#native.records(kind, asked));
    return records.map((record) => ({ ...record, treeSize: treeSize(record.treeSize) }));
  }

  async agents(): Promise<readonly AgentRow[]> {
    const agents = await named(this.#native.agents());
    return agents.map((agent) => ({ ...agent, index: leafIndex(agent.index) }));
  }

  async openSessions(): Promise<readonly OpenSession[]> {
    const sessions = await named(this.#native.openSessions());
    return sessions.map((session) => ({
      ...session,
      index: leafIndex(session.index),
      agentIndex: leafIndex(session.agentIndex),
    }));
  }

  async lastOfKind(kind: SystemKind): Promise<LeafIndex | null> {
    const index = await named(this.#native.lastOfKind(kindNumber(kind)));
    return index === null ? null : leafIndex(index);
  }

  readEntry(index: LeafIndex): Promise<Uint8Array> {
    return named(this.#native.readEntry(index));
  }

  inclusionPath(index: LeafIndex, size: TreeSize): Promise<readonly Uint8Array[]> {
    return named(this.#native.inclusionPath(index, size));
  }

  consistencyPath(from: TreeSize, to: TreeSize): Promise<readonly Uint8Array[]> {
    return named(this.#native.consistencyPath(from, to));
  }

  rootAt(size: TreeSize): Promise<Uint8Array> {
    return named(this.#native.rootAt(size));
  }

  /** Writes the tiles of the tree of this size. */
  publish(size: TreeSize): Promise<void> {
    return named(this.#native.publish(size));
  }

  /** A file of the published tree that is missing or damaged. */
  remakeTile(name: TileName): Promise<Uint8Array> {
    return named(this.#native.remakeTile(name.level, name.index, name.width));
  }

  /** Null where there is none, or its scope has no key. */
  openBody(index: LeafIndex, field: number): Promise<OpenedBody | null> {
    return named(this.#native.openBody(index, field));
  }

  useScopeKey(scope: string, key: Uint8Array): Promise<void> {
    return named(this.#native.useScopeKey(scope, key));
  }

  /**
   * From now on the times of entries follow from it; its evidence is in the log, taken when the
   * machine had been suspended for so long.
   */
  useSegment(segment: Segment, evidenceIndex: LeafIndex, suspendedNs: bigint): Promise<void> {
    const level = TIME_LEVELS.indexOf(segment.level);
    return named(this.#native.useSegment({ ...segment, level, evidenceIndex }, suspendedNs));
  }

  /** From now on there is the system clock, until the next segment. */
  dropSegment(): Promise<void> {
    return named(this.#native.dropSegment());
  }

  /** While the level of time is lower, submissions of this agent are refused. */
  requireTimeLevel(agentIndex: LeafIndex, level: TimeLevel): Promise<void> {
    return named(this.#native.requireTimeLevel(agentIndex, TIME_LEVELS.indexOf(level)));
  }

  /** Ends in order: the journal says so. */
  async stop(): Promise<void> {
    await named(this.#native.stop());
  }

  /** Lets go of the folder after a start that was refused; nothing of the journal changes. */
  async leave(): Promise<void> {
    await named(this.#native.release());
  }
}

function outcomeOf(outcome: SystemOutcome): Outcome {
  if ('refusal' in outcome) {
    const { code, message } = outcome.refusal;
    return { refusal: new KudurruError(codeOf(code), `entry not accepted: ${message}`) };
  }
  return { index: leafIndex(outcome.index), leafHash: outcome.leafHash };
}

async function named<Value>(call: Promise<Value>): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    throw errorOf(error);
  }
}

/** The native code's own where the daemon has it, else `ledger-failed`; others stay as they are. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof NativeError)) return error;
  return new KudurruError(codeOf(error.code), `ledger: ${error.message}`, { cause: error });
}

function codeOf(code: string): ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'ledger-failed';
}
