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
  async take(
    anchor: LastAnchor,
    covering: SignedHead,
    ledger: Pick<AnchorLedger, 'readEntry' | 'inclusionPath' | 'consistencyPath'>,
  ): Promise<readonly AnchoredReceipt[]> {
    const covered = this.#waiting.filter(({ statementIndex }) => statementIndex < anchor.size);
    if (covered.length === 0) return [];
    this.#waiting = this.#waiting.filter(({ statementIndex }) => statementIndex >= anchor.size);
    const located = async (index: LeafIndex) => ({
      index,
      entry: await ledger.readEntry(index),
      path: await ledger.inclusionPath(index, covering.size),
    });
    const anchorLocated = await located(anchor.index);
    const consistency = await ledger.consistencyPath(anchor.size, covering.size);
    const receipts: AnchoredReceipt[] = [];
    for (const awaiting of covered) {
      const receipt = encodeAnchoredReceipt({
        checkpoint: covering.note,
        anchor: anchorLocated,
        statement: await located(awaiting.statementIndex),
        consistency,
      });
      receipts.push({ awaiting, receipt });
    }
    return receipts;
  }
}
