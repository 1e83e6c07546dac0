/**
 * The newest entries, which no file holds yet: their rows in memory, a bundle's together, read from
 * the published bundles when the first question comes that needs them.
 */
import type { IndexRows } from '@kudurru/native';
import { equalBytes } from '@kudurru/proof';

import type { PublishedRows } from './published-rows.ts';
import { sessionKeyOf, type ActionFilter, type IndexPart, type Outcome } from './questions.ts';
import { TRACE_BYTES } from './segment-writer.ts';

export class HotPart implements IndexPart {
  readonly first: number;
  readonly end: number;
  readonly #rows: IndexRows;
  /** Of each action. */
  readonly #agent: Float64Array;
  readonly #times: readonly [oldest: bigint, newest: bigint];

  /** The bundle at `first`, as it is in the tree of `size`. @throws Error, as PublishedRows */
  constructor(first: number, size: number, published: PublishedRows) {
    const rows = published.read(first, size);
    this.first = first;
    this.end = first + rows.entries;
    this.#rows = rows;
    this.#times = timesOf(rows);
    this.#agent = rows.session.map((session) => published.agentOf(session, size));
  }

  search(filter: ActionFilter, limit: number): number[] {
    const { actions, index } = this.#rows;
    const found: number[] = [];
    const tests = this.#isOutside(filter) ? null : this.#testsOf(filter);
    if (tests === null) return found;
    for (let at = actions - 1; at >= 0 && found.length < limit; at--) {
      if (tests.every((test) => test(at))) found.push(index[at] ?? 0);
    }
    return found;
  }

  sessionOf(id: Uint8Array): number | null {
    return this.#rows.sessions.find((session) => equalBytes(session.id, id))?.index ?? null;
  }

  actionAt(session: number, sequence: number): number | null {
    const { index, session: sessions, sequence: sequences } = this.#rows;
    const at = sessions.findIndex(
      (each, place) => each === session && sequences[place] === sequence,
    );
    return index[at] ?? null;
  }

  outcomeOf({ intent, agent, sessionId, sequence }: Outcome): number | null {
    const { index, intentSession, intentSequence } = this.#rows;
    const key = sessionKeyOf(sessionId);
    const at = intentSequence.findIndex(
      (each, place) =>
        each === sequence &&
        intentSession[place] === key &&
        this.#agent[place] === agent &&
        (index[place] ?? 0) > intent,
    );
    return index[at] ?? null;
  }

  anchorCovering(index: number): number | null {
    return this.#rows.anchors.find(({ size }) => size > index)?.index ?? null;
  }

  lastAnchorBelow(index: number): number | null {
    return this.#rows.anchors.findLast((anchor) => anchor.index < index)?.index ?? null;
  }

  lastActions(size: number): (readonly [number, number])[] {
    const heads = new Map<number, number>();
    this.#rows.index.forEach((index, at) => {
      if (index < size) heads.set(this.#agent[at] ?? 0, index);
    });
    return [...heads];
  }

  #isOutside({ sinceTaiNs, untilTaiNs, before }: ActionFilter): boolean {
    const [oldest, newest] = this.#times;
    return (
      (sinceTaiNs !== null && newest < sinceTaiNs) ||
      (untilTaiNs !== null && oldest >= untilTaiNs) ||
      (before !== null && this.first >= before)
    );
  }

  /**
   * Null where no action can pass them all. Texts are looked up once for the whole bundle, and
   * compared by their numbers then.
   */
  #testsOf(filter: ActionFilter): Test[] | null {
    const rows = this.#rows;
    const tests: Test[] = [];
    const equals = (column: ArrayLike<number>, wanted: number | null): void => {
      if (wanted !== null) tests.push((at) => column[at] === wanted);
    };
    equals(this.#agent, filter.agent);
    equals(rows.session, filter.session);
    equals(rows.kind, filter.kind);
    equals(rows.status, filter.status);
    const texts: [Uint32Array, string | null][] = [
      [rows.operation, filter.operation],
      [rows.tool, filter.tool],
      [rows.externalId, filter.externalId],
    ];
    for (const [column, text] of texts) {
      if (text === null) continue;
      const number = rows.terms.indexOf(text) + 1;
      if (number === 0) return null;
      equals(column, number);
    }
    const { trace, sinceTaiNs, untilTaiNs, before } = filter;
    if (trace !== null) tests.push((at) => hasTrace(rows, at, trace));
    if (sinceTaiNs !== null) tests.push((at) => (rows.taiNs[at] ?? 0n) >= sinceTaiNs);
    if (untilTaiNs !== null) tests.push((at) => (rows.taiNs[at] ?? 0n) < untilTaiNs);
    if (before !== null) tests.push((at) => (rows.index[at] ?? 0) < before);
    return tests;
  }
}

/** Of the action at this place of the columns. */
type Test = (at: number) => boolean;

/** Makes no view of the bytes: a question looks at a hundred thousand rows. */
function hasTrace({ traceId }: IndexRows, at: number, trace: Uint8Array): boolean {
  for (let byte = 0; byte < TRACE_BYTES; byte++) {
    if (traceId[at * TRACE_BYTES + byte] !== trace[byte]) return false;
  }
  return true;
}

function timesOf({ taiNs }: IndexRows): readonly [oldest: bigint, newest: bigint] {
  let [oldest, newest] = [taiNs[0] ?? 0n, 0n];
  for (const time of taiNs) {
    if (time < oldest) oldest = time;
    if (time > newest) newest = time;
  }
  return [oldest, newest];
}
