/**
 * The ledger as the rest of the daemon sees it: batches and system entries in, places out. One
 * group at a time is made durable; system entries that come meanwhile join the next one. Whoever is
 * told of an entry here is told after it is durable.
 *
 * Any failure to write ends this object and, through `fail`, the daemon: what is on the disk is for
 * the next start to find out.
 */
import { decodeEntry, decodeEnvelope, type TileName } from '@kudurru/proof';

import { KudurruError, wrapError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { LeafIndex, TreeSize } from '../base/units.ts';
import type { SigningToken } from '../hardware/signing-token.ts';
import { ScopeKeys } from './scope-keys.ts';
import type {
  AgentRow,
  BatchHandle,
  LedgerStore,
  OpenedBody,
  OpenSession,
  Outcome,
  RecordKind,
  RecordsAsked,
  StoreHead,
  StoredRecord,
} from './store.ts';
import type { SystemEntry, SystemKind } from './system-entry.ts';

export type { AgentRow, OpenSession, Outcome, StoredRecord };

/** Where an entry stands. */
export interface Placed {
  readonly index: LeafIndex;
  readonly leafHash: Uint8Array;
}

export interface LedgerClock {
  now(): { readonly taiNs: bigint; readonly monotonicRawNs: bigint };
  taiMinusUtcSeconds(): number;
}

export interface LedgerOptions {
  readonly store: LedgerStore;
  readonly clock: LedgerClock;
  readonly token: Pick<SigningToken, 'wrap' | 'unwrap'>;
  readonly deviceTimeoutMs: number;
  /** What ends the daemon. */
  readonly fail: (error: KudurruError) => void;
  readonly log: Log;
}

interface WaitingBatch {
  readonly batch: BatchHandle;
  readonly settle: () => void;
  readonly reject: (error: KudurruError) => void;
}

interface WaitingEntries {
  readonly entries: readonly SystemEntry[];
  readonly settle: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: KudurruError) => void;
}

/** Scope of the bodies of actions that name none (SPEC.md §3). */
const defaultScope = 'default';
const systemScope = 'system';

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #batches: WaitingBatch[] = [];
  readonly #entries: WaitingEntries[] = [];
  #scopeKeys: Promise<ScopeKeys> | null = null;
  #busy = false;
  #ended: KudurruError | null = null;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Where submissions come by themselves; the rest of its calls are this object's. */
  get native(): LedgerStore['native'] {
    return this.#options.store.native;
  }

  /** Each submission of the batch has its receipt or refusal, and all is durable. */
  apply(batch: BatchHandle): Promise<void> {
    return new Promise((settle, reject) => {
      this.#batches.push({ batch, settle, reject });
      this.#pump();
    });
  }

  /** In this order, in one group. @throws KudurruError `ledger-failed` */
  append(entries: readonly SystemEntry[]): Promise<readonly Outcome[]> {
    return new Promise((settle, reject) => {
      this.#entries.push({ entries, settle, reject });
      this.#pump();
    });
  }

  /** @throws KudurruError `ledger-failed`, or why the entry was refused */
  async appendOne(entry: SystemEntry): Promise<Placed> {
    const [outcome] = await this.append([entry]);
    if (outcome !== undefined && 'index' in outcome) return outcome;
    throw outcome?.refusal ?? new KudurruError('ledger-failed', `no place for a "${entry.kind}"`);
  }

  /** Durable when the promise resolves. @throws KudurruError `ledger-failed`, `disk-full` */
  async record(kind: RecordKind, bytes: Uint8Array): Promise<void> {
    await this.#options.store.appendRecord(kind, bytes);
  }

  /** Brings the keys of these scopes into use. @throws DeviceError */
  async requireScopes(scopes: readonly string[]): Promise<void> {
    await (await this.#keys()).use(scopes);
  }

  /** The same, where going on without them is right: bodies of a scope without key are refused. */
  async useScopes(scopes: readonly string[]): Promise<void> {
    if (scopes.length === 0) return;
    try {
      await this.requireScopes(scopes);
    } catch (error) {
      if (error instanceof KudurruError && error.retry === 'restart') throw error;
      this.#options.log.error('keys of erasure scopes not in use', error);
    }
  }

  head(): StoreHead {
    return this.#options.store.head();
  }

  snapshot(): Promise<StoreHead & { readonly agentHeadsRoot: Uint8Array }> {
    return this.#options.store.snapshot();
  }

  agents(): Promise<readonly AgentRow[]> {
    return this.#options.store.agents();
  }

  openSessions(): Promise<readonly OpenSession[]> {
    return this.#options.store.openSessions();
  }

  /** Null where it was closed. */
  async openSession(index: LeafIndex): Promise<OpenSession | null> {
    const sessions = await this.openSessions();
    return sessions.find((session) => session.index === index) ?? null;
  }

  lastOfKind(kind: SystemKind): Promise<LeafIndex | null> {
    return this.#options.store.lastOfKind(kind);
  }

  records(kind: RecordKind, asked: RecordsAsked): Promise<readonly StoredRecord[]> {
    return this.#options.store.records(kind, asked);
  }

  /** @throws KudurruError `not-found` */
  readEntry(index: LeafIndex): Promise<Uint8Array> {
    return this.#options.store.readEntry(index);
  }

  inclusionPath(index: LeafIndex, size: TreeSize): Promise<readonly Uint8Array[]> {
    return this.#options.store.inclusionPath(index, size);
  }

  consistencyPath(from: TreeSize, to: TreeSize): Promise<readonly Uint8Array[]> {
    return this.#options.store.consistencyPath(from, to);
  }

  rootAt(size: TreeSize): Promise<Uint8Array> {
    return this.#options.store.rootAt(size);
  }

  publish(size: TreeSize): Promise<void> {
    return this.#options.store.publish(size);
  }

  /** @throws KudurruError `not-found` */
  remakeTile(name: TileName): Promise<Uint8Array> {
    return this.#options.store.remakeTile(name);
  }

  /** A deposited body; null where there is none, or its scope's key is gone. */
  async openBody(index: LeafIndex, field: number): Promise<OpenedBody | null> {
    const entry = decodeEntry(await this.readEntry(index));
    const scope =
      entry.kind === 'action'
        ? (decodeEnvelope(entry.envelope).erasureScope ?? defaultScope)
        : systemScope;
    if (!(await (await this.#keys()).useExisting(scope))) return null;
    return this.#options.store.openBody(index, field);
  }

  #keys(): Promise<ScopeKeys> {
    this.#scopeKeys ??= this.#readKeys();
    return this.#scopeKeys;
  }

  async #readKeys(): Promise<ScopeKeys> {
    const { store, token, deviceTimeoutMs } = this.#options;
    const records = await store.records('scope-key', { newest: Number.MAX_SAFE_INTEGER });
    return new ScopeKeys(
      {
        ledgerId: store.ledgerId,
        token,
        deviceTimeoutMs,
        appendRecord: (bytes) => this.record('scope-key', bytes),
        useKey: (scope, key) => store.useScopeKey(scope, key),
      },
      records.map(({ bytes }) => bytes),
    );
  }

  #pump(): void {
    if (this.#busy) return;
    const waiting = this.#batches.shift();
    const joined = this.#entries.splice(0);
    if (waiting === undefined && joined.length === 0) return;
    this.#busy = true;
    void this.#group(waiting, joined).then(() => {
      this.#busy = false;
      this.#pump();
    });
  }

  /** Settles all that it was given, and never throws. */
  async #group(
    waiting: WaitingBatch | undefined,
    joined: readonly WaitingEntries[],
  ): Promise<void> {
    try {
      if (this.#ended !== null) throw this.#ended;
      const outcomes = await this.#write(waiting?.batch ?? null, joined);
      waiting?.settle();
      let first = 0;
      for (const { entries, settle } of joined) {
        settle(outcomes.slice(first, first + entries.length));
        first += entries.length;
      }
    } catch (cause) {
      const error = wrapError('ledger-failed', 'group not made durable', cause);
      this.#ended ??= error;
      waiting?.reject(error);
      for (const { reject } of joined) reject(error);
      this.#options.fail(error);
    }
  }

  #write(
    batch: BatchHandle | null,
    joined: readonly WaitingEntries[],
  ): Promise<readonly Outcome[]> {
    const { store, clock } = this.#options;
    return store.apply(batch, {
      taiMinusUtcSeconds: clock.taiMinusUtcSeconds(),
      system: joined.flatMap(({ entries }) =>
        entries.map((entry) => ({ ...entry, ...clock.now() })),
      ),
    });
  }
}
