/**
 * The whole search index as one: sealed files and the part in memory, asked newest first or oldest
 * first until the answer is there. What no part covers is counted, where it could change the
 * answer.
 */
import { TILE_WIDTH } from '@kudurru/proof';

import { reasonOf } from '../../base/errors.ts';
import { endOf, entriesOf, gapsOf, type IndexFile, type IndexShape, type Range } from './files.ts';
import { HotPart } from './hot-part.ts';
import type { PublishedRows } from './published-rows.ts';
import type { Answer, IndexPart, Outcome, Question, Search } from './questions.ts';
import { SegmentReader } from './segment-reader.ts';

export interface PlacesOptions {
  /** Of the index files. */
  readonly folder: string;
  readonly ledgerId: Uint8Array;
  readonly shape: IndexShape;
  readonly published: PublishedRows;
  /** A file that cannot be read is asked no more. */
  readonly onDamage: (file: IndexFile, reason: string) => void;
}

/** Files that are open at once; each has at most half a megabyte of pages in memory. */
const OPEN_MAX = 32;

export class Places {
  readonly #options: PlacesOptions;
  /** The longest unused first. */
  readonly #open = new Map<string, SegmentReader>();
  readonly #hot = new Map<number, HotPart>();
  #files: readonly IndexFile[] = [];
  #size = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** These files are there now, apart from each other. */
  use(files: readonly IndexFile[]): void {
    this.#files = files;
    const names = new Set(files.map(({ name }) => name));
    for (const name of [...this.#open.keys()]) if (!names.has(name)) this.#close(name);
  }

  /** @param size entries that are published; never less than before */
  ask(question: Question, size: number): Answer {
    this.#size = Math.max(this.#size, size);
    this.#warm();
    switch (question.ask) {
      case 'search':
        return this.#search(question.search);
      case 'action-at':
        return this.#actionAt(question.sessionId, question.sequence);
      case 'outcome-of':
        return this.#outcomeOf(question.outcome);
      case 'anchor-covering':
        return this.#firstUp(question.index, (part) => part.anchorCovering(question.index));
      case 'last-anchor-below':
        return this.#firstDown([0, question.index], (part) => part.lastAnchorBelow(question.index));
      default:
        return this.#lastActions(question.size);
    }
  }

  close(): void {
    for (const name of [...this.#open.keys()]) this.#close(name);
    this.#hot.clear();
  }

  #search({ sessionId, limit, ...filter }: Search): Answer {
    const session = sessionId === null ? null : this.#sessionOf(sessionId);
    const end = Math.min(this.#size, filter.before ?? this.#size);
    if (session !== null && session.found.length === 0) return session;
    const first = session?.found[0] ?? 0;
    const found: number[] = [];
    const wanted = { ...filter, session: session?.found[0] ?? null };
    this.#each(this.#partsWithin(first, end).toReversed(), (part) => {
      found.push(...part.search(wanted, limit - found.length));
      return found.length < limit;
    });
    const reached = found.length < limit ? first : (found.at(-1) ?? end);
    return this.#answer(found, reached, end);
  }

  #actionAt(sessionId: Uint8Array, sequence: number): Answer {
    const session = this.#sessionOf(sessionId);
    const [opened] = session.found;
    if (opened === undefined) return session;
    return this.#firstUp(opened, (part) => part.actionAt(opened, sequence));
  }

  #outcomeOf(outcome: Outcome): Answer {
    return this.#firstUp(outcome.intent, (part) => part.outcomeOf(outcome));
  }

  /** Session ids stand once in a log: a find is exact, whatever is missing. */
  #sessionOf(id: Uint8Array): Answer {
    const answer = this.#firstDown([0, this.#size], (part) => part.sessionOf(id));
    return answer.found.length === 0 ? answer : { ...answer, unsearched: 0, missing: null };
  }

  #lastActions(size: number): Answer {
    const heads = new Map<number, number>();
    this.#each(this.#partsWithin(0, size).toReversed(), (part) => {
      for (const [agent, action] of part.lastActions(size)) {
        if (!heads.has(agent)) heads.set(agent, action);
      }
      return true;
    });
    return this.#answer([...heads.values()], 0, size);
  }

  #firstUp(from: number, ask: (part: IndexPart) => number | null): Answer {
    const found = this.#firstOf(this.#partsWithin(from, this.#size), ask);
    return this.#answer(found === null ? [] : [found], from, found ?? this.#size);
  }

  #firstDown([from, to]: [number, number], ask: (part: IndexPart) => number | null): Answer {
    const found = this.#firstOf(this.#partsWithin(from, to).toReversed(), ask);
    return this.#answer(found === null ? [] : [found], found ?? from, to);
  }

  #firstOf(parts: readonly Source[], ask: (part: IndexPart) => number | null): number | null {
    let found: number | null = null;
    this.#each(parts, (part) => {
      found = ask(part);
      return found === null;
    });
    return found;
  }

  /** One after the other while `ask` returns true; a file that fails is left out from then on. */
  #each(sources: readonly Source[], ask: (part: IndexPart) => boolean): void {
    for (const source of sources) {
      if (source instanceof HotPart) {
        if (!ask(source)) return;
        continue;
      }
      try {
        if (!ask(this.#reader(source))) return;
      } catch (error) {
        this.#drop(source);
        this.#options.onDamage(source, reasonOf(error));
      }
    }
  }

  /** Ascending. */
  #partsWithin(from: number, to: number): Source[] {
    const covers = (first: number, end: number): boolean => first < to && end > from;
    const files = this.#files.filter((file) => covers(file.first, endOf(file)));
    const hot = [...this.#hot.values()].filter(({ first, end }) => covers(first, end));
    return [...files, ...hot].toSorted((a, b) => a.first - b.first);
  }

  /** What was found, and what is missing of the range that it was looked for in. */
  #answer(found: readonly number[], from: number, to: number): Answer {
    const gaps = gapsOf(this.#covered(), from, Math.min(to, this.#size));
    return { found, unsearched: entriesOf(gaps), missing: gaps.at(-1)?.first ?? null };
  }

  #covered(): Range[] {
    const hot = [...this.#hot.values()].map(({ first, end }) => ({ first, count: end - first }));
    return [...this.#files, ...hot];
  }

  /** Of the newest two segments, what no file holds is read into memory; the rest lets it go. */
  #warm(): void {
    const { shape, published } = this.#options;
    const newest = this.#size - (this.#size % shape.segment);
    const gaps = gapsOf(this.#files, Math.max(0, newest - shape.segment), this.#size);
    const wanted = new Set<number>();
    for (const gap of gaps) {
      for (let first = gap.first; first < endOf(gap); first += TILE_WIDTH) wanted.add(first);
    }
    for (const first of [...this.#hot.keys()]) if (!wanted.has(first)) this.#hot.delete(first);
    for (const first of wanted) {
      const known = this.#hot.get(first);
      const end = Math.min(first + TILE_WIDTH, this.#size);
      if (known === undefined || known.end < end) {
        this.#hot.set(first, new HotPart(first, this.#size, published));
      }
    }
  }

  #reader(file: IndexFile): SegmentReader {
    const { folder, ledgerId } = this.#options;
    const reader = this.#open.get(file.name) ?? new SegmentReader(folder, file, ledgerId);
    this.#open.delete(file.name);
    this.#open.set(file.name, reader);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_MAX && oldest !== undefined) this.#close(oldest);
    return reader;
  }

  #close(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
  }

  #drop(file: IndexFile): void {
    this.#close(file.name);
    this.#files = this.#files.filter(({ name }) => name !== file.name);
  }
}

type Source = IndexFile | HotPart;
