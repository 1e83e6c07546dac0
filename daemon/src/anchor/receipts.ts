/**
 * Submitters who asked to be told `anchored`, until their anchor is there. The receipt is
 * complete by itself (SPEC.md §10): held outside the appliance it contradicts every other history.
 */
import { encodeAnchoredReceipt } from '@kudurru/proof';

import type { LeafIndex } from '../base/units.ts';
import type { SignedHead } from './checkpoints.ts';
import type { AnchorLedger, LastAnchor } from './ports.ts';

/** One submission whose writer waits. */
export interface Awaiting {
  /** The connection it came on. */
  readonly connection: bigint;
  readonly firstSequence: number;
  readonly statementIndex: LeafIndex;
}

export interface AnchoredReceipt {
  readonly awaiting: Awaiting;
  readonly receipt: Uint8Array;
}

/** Those who wait; the oldest are dropped beyond this, and can ask for a bundle instead. */
const awaitingMax = 65_536;

export class AwaitedReceipts {
  #waiting: Awaiting[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(awaiting: readonly Awaiting[]): void {
    this.#waiting = this.#waiting.concat(awaiting).slice(-awaitingMax);
  }

  /** Takes out those whose statement `anchor` covers and makes their receipts. */
  take(
    anchor: LastAnchor,
    covering: SignedHead,
    ledger: Pick<AnchorLedger, 'readEntry' | 'inclusionPath' | 'consistencyPath'>,
  ): AnchoredReceipt[] {
    const covered = this.#waiting.filter(({ statementIndex }) => statementIndex < anchor.size);
    if (covered.length === 0) return [];
    this.#waiting = this.#waiting.filter(({ statementIndex }) => statementIndex >= anchor.size);
    const located = (index: LeafIndex) => ({
      index,
      entry: ledger.readEntry(index),
      path: ledger.inclusionPath(index, covering.size),
    });
    const anchorLocated = located(anchor.index);
    const consistency = ledger.consistencyPath(anchor.size, covering.size);
    return covered.map((awaiting) => ({
      awaiting,
      receipt: encodeAnchoredReceipt({
        checkpoint: covering.note,
        anchor: anchorLocated,
        statement: located(awaiting.statementIndex),
        consistency,
      }),
    }));
  }
}
