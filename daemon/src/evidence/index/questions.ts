/** What is asked of the search index. Answers are indexes of entries, and nothing but hints. */

/** All that is not null must hold. An agent or session is named by the index of its entry. */
export interface ActionFilter {
  readonly agent: number | null;
  readonly session: number | null;
  /** As numbered in SPEC.md §4. */
  readonly kind: number | null;
  readonly status: number | null;
  readonly operation: string | null;
  readonly tool: string | null;
  readonly trace: Uint8Array | null;
  readonly externalId: string | null;
  readonly sinceTaiNs: bigint | null;
  readonly untilTaiNs: bigint | null;
  /** Only entries below this index. */
  readonly before: number | null;
}

/** Who looks for a session by its id gets to know its index on the way. */
export interface Search extends Omit<ActionFilter, 'session'> {
  readonly sessionId: Uint8Array | null;
  readonly limit: number;
}

export interface Outcome {
  /** Of the intent's entry. */
  readonly intent: number;
  readonly agent: number;
  /** As the outcome names its intent. */
  readonly sessionId: Uint8Array;
  readonly sequence: number;
}

export type Question =
  /** Newest first. */
  | { readonly ask: 'search'; readonly search: Search }
  | { readonly ask: 'action-at'; readonly sessionId: Uint8Array; readonly sequence: number }
  /** The first after the intent by the same agent. */
  | { readonly ask: 'outcome-of'; readonly outcome: Outcome }
  /** The first anchor whose tree holds the entry. */
  | { readonly ask: 'anchor-covering'; readonly index: number }
  | { readonly ask: 'last-anchor-below'; readonly index: number }
  /** The last action below `size` of each agent that has one. */
  | { readonly ask: 'last-actions'; readonly size: number };

export interface Answer {
  readonly found: readonly number[];
  /** Entries that are not indexed and could change the answer. 0: it is exact. */
  readonly unsearched: number;
  /** One of them; null where there is none. */
  readonly missing: number | null;
}

/** A range of the log that can be asked; sealed in a file, or in memory. */
export interface IndexPart {
  readonly first: number;
  /** The first index after it. */
  readonly end: number;
  /** Newest first. */
  search(filter: ActionFilter, limit: number): number[];
  sessionOf(id: Uint8Array): number | null;
  actionAt(session: number, sequence: number): number | null;
  outcomeOf(outcome: Outcome): number | null;
  anchorCovering(index: number): number | null;
  lastAnchorBelow(index: number): number | null;
  /** `[agent, action]` of each that acted here below `size`. */
  lastActions(size: number): (readonly [agent: number, action: number])[];
}

/** The part of a session id that outcomes are found by; the entries themselves decide. */
export function sessionKeyOf(id: Uint8Array): bigint {
  return new DataView(id.buffer, id.byteOffset, id.byteLength).getBigInt64(0);
}
