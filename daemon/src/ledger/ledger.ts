/**
 * The ledger as the rest of the daemon sees it: batches and system entries in, places out. One
 * group at a time is made durable; system entries that come meanwhile join the next one. Whoever is
 * told of an entry here is told after it is durable.
 *
 * Any failure to write ends this object and, through `fail`, the daemon: what is on the disk is for
 * the next start to find out.
 */
import type { AppliedBatch, IntakeBatch, NativeLedger } from '@kudurru/native';

import { KudurruError, wrapError } from '../base/errors.ts';
import { leafIndex, type LeafIndex } from '../base/units.ts';
import type { SystemEntry } from './system-entry.ts';

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
  readonly native: NativeLedger;
  readonly clock: LedgerClock;
  readonly fail: (error: KudurruError) => void;
}

interface WaitingEntries {
  readonly entries: readonly SystemEntry[];
  resolve(placed: readonly Placed[]): void;
  reject(error: unknown): void;
}

interface WaitingBatch {
  readonly batch: IntakeBatch;
  resolve(applied: AppliedBatch): void;
  reject(error: unknown): void;
}

export class Ledger {
  readonly #options: LedgerOptions;
  #batches: WaitingBatch[] = [];
  #entries: WaitingEntries[] = [];
  #busy = false;
  #ended: KudurruError | null = null;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Each submission of the batch has its receipt or refusal, and all is durable. */
  apply(batch: IntakeBatch): Promise<AppliedBatch> {
    return new Promise((resolve, reject) => {
      this.#batches.push({ batch, resolve, reject });
      this.#pump();
    });
  }

  /** In this order, in one group. @throws KudurruError `ledger-failed`, `disk-low` */
  append(entries: readonly SystemEntry[]): Promise<readonly Placed[]> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ entries, resolve, reject });
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#busy) return;
    const waiting = this.#batches.shift();
    const joined = this.#entries.splice(0);
    if (waiting === undefined && joined.length === 0) return;
    if (this.#ended !== null) {
      waiting?.reject(this.#ended);
      for (const each of joined) each.reject(this.#ended);
      return;
    }
    this.#busy = true;
    this.#group(waiting, joined).finally(() => {
      this.#busy = false;
      this.#pump();
    });
  }

  async #group(
    waiting: WaitingBatch | undefined,
    joined: readonly WaitingEntries[],
  ): Promise<void> {
    const { native, clock, fail } = this.#options;
    const system = joined.flatMap(({ entries }) => entries);
    try {
      const applied = await native.apply(waiting?.batch ?? null, {
        taiMinusUtcSeconds: clock.taiMinusUtcSeconds(),
        system: system.map((entry) => ({ ...entry, kind: entry.number, ...clock.now() })),
      });
      waiting?.resolve(applied);
      let at = 0;
      for (const { entries, resolve, reject } of joined) {
        const results = applied.system.slice(at, (at += entries.length));
        const refused = results.find(({ refusal }) => refusal !== null);
        if (refused?.refusal != null) reject(refusalOf(refused.refusal));
        else resolve(results.map(placedOf));
      }
    } catch (cause) {
      this.#ended = wrapError('ledger-failed', 'group not made durable', cause);
      waiting?.reject(this.#ended);
      for (const { reject } of joined) reject(this.#ended);
      fail(this.#ended);
    }
  }
}
