/**
 * The newest entries, which no file holds yet: their rows in memory, a bundle's together, read from
 * the published bundles when the first question comes that needs them.
 */
import type { IndexRows } from '@kudurru/native';
import { equalBytes } from '@kudurru/proof';

import type { PublishedRows } from './published-rows.ts';
import { sessionKeyOf, type ActionFilter, type IndexPart, type Outcome } from './questions.ts';
import { traceOf } from './segment-writer.ts';

export class HotPart implements IndexPart {
  readonly first: number;
  readonly end: number;
  readonly #rows: IndexRows;
  /** Of each action. */
  readonly #agent: Float64Array;

  /** The bundle at `first`, as it is in the tree of `size`. @throws Error, as PublishedRows */
  constructor(first: number, size: number, published: PublishedRows) {
    const rows = published.read(first, size);
    this.first = first;
    this.end = first + rows.entries;
    this.#rows = rows;
    this.#agent = rows.session.map((session) => published.agentOf(session, size));
  }

  search(filter: ActionFilter, limit: number): number[] {
    const { actions, index } = this.#rows;
    const matches = this.#matcherOf(filter);
    const found: number[] = [];
    for (let at = actions - 1; at >= 0 && found.length < limit; at--) {
      if (matches(at)) found.push(index[at] ?? 0);
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

  /** Texts are compared once for the whole bundle, by their numbers then. */
  #matcherOf(filter: ActionFilter): (at: number) => boolean {
    const rows = this.#rows;
    const tests: ((at: number) => boolean)[] = [];
    const also = (test: (at: number) => boolean): number => tests.push(test);
    const equals = (column: ArrayLike<number>, wanted: number | null): void => {
      if (wanted !== null) also((at) => column[at] === wanted);
    };
    const says = (column: Uint32Array, text: string | null): void => {
      // No such text among the terms: number 0 is none's, so that nothing may match it.
      if (text !== null) equals(column, rows.terms.indexOf(text) + 1 || -1);
    };
    equals(this.#agent, filter.agent);
    equals(rows.session, filter.session);
    equals(rows.kind, filter.kind);
    equals(rows.status, filter.status);
    says(rows.operation, filter.operation);
    says(rows.tool, filter.tool);
    says(rows.externalId, filter.externalId);
    const { trace, sinceTaiNs, untilTaiNs, before } = filter;
    if (trace !== null) {
      also((at) => {
        const found = traceOf(rows, at);
        return found !== null && equalBytes(found, trace);
      });
    }
    if (sinceTaiNs !== null) also((at) => (rows.taiNs[at] ?? 0n) >= sinceTaiNs);
    if (untilTaiNs !== null) also((at) => (rows.taiNs[at] ?? 0n) < untilTaiNs);
    if (before !== null) also((at) => (rows.index[at] ?? 0) < before);
    return (at) => tests.every((test) => test(at));
  }
}
