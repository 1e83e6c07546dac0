/**
 * Which entries a subject's bundle holds (SPEC.md §11): what the subject refers to, what that
 * refers to, and so on; nothing else. References are read from the entries; the search index only
 * says where to look for what refers back (the outcome of an intent, an anchor), and each find is
 * checked.
 */
import {
  decodeEntry,
  decodeEnvelope,
  decodeOperatorOrder,
  decodeRestoration,
  equalBytes,
  BASE_REFERENCE,
  evidenceReferencesOf,
  isAnchorEntry,
  leafHash,
  referencesOf,
  type AnchorEntry,
  type Entry,
  type EntryOf,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { leafIndex, type LeafIndex, type TreeSize } from '../base/units.ts';
import { contradiction } from './contradiction.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { SearchIndex } from './search-index.ts';
import { statementOf } from './statement-place.ts';

export interface Gathered {
  readonly index: LeafIndex;
  readonly bytes: Uint8Array;
  readonly entry: Entry;
}

export interface GatherOptions {
  readonly ledger: LedgerReader;
  readonly places: SearchIndex;
  /** Size of the tree that the bundle's checkpoint signs. */
  readonly size: TreeSize;
}

export interface Gathering {
  readonly subject: Gathered;
  /** The first anchor whose tree holds the subject. */
  readonly anchor: Gathered & { readonly entry: AnchorEntry };
  /** All entries but the subject, ascending by index. */
  readonly others: readonly Gathered[];
  /** Entries with the time evidence that a time here rests on: its raw part is to be disclosed. */
  readonly timeEvidence: readonly Gathered[];
}

/** @throws KudurruError `not-found`, `not-anchored`, `index-contradicts` */
export async function gather(subject: LeafIndex, options: GatherOptions): Promise<Gathering> {
  return new Gatherer(options).run(subject);
}

class Gatherer {
  readonly #options: GatherOptions;
  readonly #found = new Map<LeafIndex, Gathered>();
  readonly #timeEvidence = new Map<LeafIndex, Gathered>();

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  async run(index: LeafIndex): Promise<Gathering> {
    const { places, size } = this.#options;
    if (index >= size) {
      throw new KudurruError('not-found', `no entry ${index}: the signed tree has ${size}`);
    }
    const subject = await this.#add(index, true);
    await this.#addWhatTimeRestsOn(subject);
    await this.#add(leafIndex(0n));
    const anchor = await this.#coveringAnchor(index);
    await this.#addAnchorsBack(index, anchor.entry.previousAnchorIndex);
    const below = await places.lastAnchorBelow(index);
    if (below !== null) await this.#addAnchor(below);
    if (subject.entry.kind === 'action') await this.#addCounterpart(index, subject.entry);
    const others = [...this.#found.values()]
      .filter((found) => found !== subject)
      .toSorted((a, b) => (a.index < b.index ? -1 : 1));
    return { subject, anchor, others, timeEvidence: [...this.#timeEvidence.values()] };
  }

  /** Adds the entry and everything that it refers to. */
  async #add(index: LeafIndex, isSubject = false): Promise<Gathered> {
    const known = this.#found.get(index);
    if (known !== undefined) return known;
    const bytes = await this.#options.ledger.readEntry(index);
    const found: Gathered = { index, bytes, entry: decodeEntry(bytes) };
    this.#found.set(index, found);
    const { entry } = found;
    for (const { field, index: target } of referencesOf(entry, isSubject)) {
      const referred = await this.#add(leafIndex(target));
      if (field === 'timeEvidenceIndex') await this.#addWhatTimeRestsOn(referred);
    }
    if (entry.kind === 'action') await this.#addStatement(found.index, entry);
    return found;
  }

  /** The profile of time evidence, and the evidence that it goes on from. */
  async #addWhatTimeRestsOn(found: Gathered): Promise<void> {
    const references = evidenceReferencesOf(found.entry);
    if (references.length === 0 || this.#timeEvidence.has(found.index)) return;
    this.#timeEvidence.set(found.index, found);
    for (const { field, index } of references) {
      const referred = await this.#add(leafIndex(index));
      if (field === BASE_REFERENCE) await this.#addWhatTimeRestsOn(referred);
    }
  }

  async #addStatement(index: LeafIndex, action: EntryOf<'action'>): Promise<void> {
    await this.#add(await statementOf(index, action, this.#options.ledger));
  }

  /** The agent's outcome of an intent, where there is one by now; the intent of an outcome. */
  async #addCounterpart(index: LeafIndex, action: EntryOf<'action'>): Promise<void> {
    const { places, size } = this.#options;
    const envelope = decodeEnvelope(action.envelope);
    if (envelope.kind === 'intent') {
      await this.#addOutcome(index, action);
    } else if (envelope.intent !== undefined) {
      const { session: sessionId, sequence } = envelope.intent;
      const intent = await places.actionAt({ sessionId, sequence });
      // An agent may name an intent that never was: the bundle then shows that it is not there.
      if (intent !== null && intent < size) await this.#add(intent);
    }
  }

  async #addOutcome(intent: LeafIndex, action: EntryOf<'action'>): Promise<void> {
    const { places, size } = this.#options;
    const session = await this.#add(leafIndex(action.sessionIndex));
    if (session.entry.kind !== 'session.open') {
      throw contradiction(`no session at ${session.index}`);
    }
    const place = { sessionId: leafHash(session.bytes), sequence: action.sequence };
    const agent = leafIndex(session.entry.agentIndex);
    const outcome = await places.outcomeOf(intent, agent, place);
    if (outcome === null || outcome >= size) return;
    const { entry } = await this.#add(outcome);
    const named = entry.kind === 'action' ? decodeEnvelope(entry.envelope).intent : undefined;
    if (
      named === undefined ||
      named.sequence !== place.sequence ||
      !equalBytes(named.session, place.sessionId)
    ) {
      throw contradiction(`entry ${outcome} is no outcome of ${intent}`, outcome);
    }
  }

  async #coveringAnchor(index: LeafIndex): Promise<Gathering['anchor']> {
    const { places, size } = this.#options;
    const place = await places.anchorCovering(index);
    if (place === null || place >= size) {
      throw new KudurruError('not-anchored', `entry ${index} is not anchored yet: ask again later`);
    }
    const anchor = await this.#addAnchor(place);
    if (anchor.entry.size <= index) {
      throw contradiction(`anchor ${place} does not cover ${index}`, place);
    }
    return anchor;
  }

  /**
   * Anchors that came after the subject and do not hold it: they show which is the first. Where one
   * follows a restore entry, that too.
   */
  async #addAnchorsBack(subject: LeafIndex, last: bigint | null): Promise<void> {
    let previous = last;
    while (previous !== null) {
      const index = leafIndex(previous);
      const entry = decodeEntry(await this.#options.ledger.readEntry(index));
      if (entry.kind === 'restore') {
        await this.#add(index);
        const order = decodeOperatorOrder(entry.order);
        previous = decodeRestoration(order.payload).previousAnchorIndex;
      } else if (previous > subject) {
        previous = (await this.#addAnchor(index)).entry.previousAnchorIndex;
      } else return;
    }
  }

  async #addAnchor(index: LeafIndex): Promise<Gathering['anchor']> {
    const found = await this.#add(index);
    const { entry } = found;
    if (!isAnchorEntry(entry)) throw contradiction(`the entry at ${index} is no anchor`, index);
    return { ...found, entry };
  }
}
