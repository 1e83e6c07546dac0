/** What evidence reads of the ledger, as values; compose.ts connects it. */
import type { LeafIndex, TreeSize } from '../base/units.ts';

export interface OpenedBody {
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface LedgerReader {
  readEntry(index: LeafIndex): Promise<Uint8Array>;
  /** RFC 6962 inclusion proof of `index` in the tree of `size`. */
  inclusionPath(index: LeafIndex, size: TreeSize): Promise<readonly Uint8Array[]>;
  consistencyPath(from: TreeSize, to: TreeSize): Promise<readonly Uint8Array[]>;
  /** A deposited body, opened; null where it is not there or its scope key is gone. */
  openBody(index: LeafIndex, field: number): Promise<OpenedBody | null>;
}

/** A signed checkpoint over a tree that holds an anchor. */
export interface SignedHead {
  readonly size: TreeSize;
  /** The C2SP note, verbatim. */
  readonly note: Uint8Array;
}
