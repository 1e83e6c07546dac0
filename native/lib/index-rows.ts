// Rows of the search index, read from an entry bundle in one call: typed arrays, one a column.
import { checkBytes, checkInteger } from './arguments.ts';
import { nativePart } from './load.ts';

/** Of the actions of a bundle, ascending by index; each array has an element an action. */
export interface ActionColumns {
  /** How many actions there are. */
  readonly actions: number;
  readonly index: Float64Array;
  readonly taiNs: BigInt64Array;
  /** Index of the session.open entry. */
  readonly session: Float64Array;
  readonly sequence: Float64Array;
  /** As numbered in SPEC.md §4. */
  readonly kind: Uint8Array;
  /** 0: none. */
  readonly status: Uint8Array;
  /** Numbers of texts: n stands for terms[n − 1], 0 for none. */
  readonly operation: Uint32Array;
  readonly tool: Uint32Array;
  readonly externalId: Uint32Array;
  readonly terms: readonly string[];
  /** 16 bytes each, all zero: none. */
  readonly traceId: Uint8Array;
  /** First eight bytes of the session id that an outcome names, as a big-endian integer. */
  readonly intentSession: BigInt64Array;
  /** −1: no outcome. */
  readonly intentSequence: Float64Array;
}

export interface IndexRows extends ActionColumns {
  /** All entries of the bundle. */
  readonly entries: number;
  readonly sessions: readonly {
    readonly index: number;
    /** Index of the agent's enrolment. */
    readonly agent: number;
    /** Leaf hash of the session's entry. */
    readonly id: Uint8Array;
  }[];
  readonly anchors: readonly { readonly index: number; readonly size: number }[];
  /** Of the last entry; 32 zero bytes for a bundle without any. */
  readonly lastLeafHash: Uint8Array;
}

interface IndexRowsPart {
  indexRows(firstIndex: number, bundle: Uint8Array): IndexRows;
}

const native = nativePart<IndexRowsPart>();

/**
 * @param bundle a C2SP entry bundle, full or partial; its first entry stands at `firstIndex`
 * @throws NativeError `index-rows` journal-corrupt, naming the first entry that is none
 */
export function indexRows(firstIndex: number, bundle: Uint8Array): IndexRows {
  checkInteger(firstIndex, 'firstIndex', { min: 0, max: Number.MAX_SAFE_INTEGER });
  checkBytes(bundle, 'bundle');
  return native.indexRows(firstIndex, bundle);
}
