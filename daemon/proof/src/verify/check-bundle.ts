/** The bundle as a whole: exactly what the subject needs, all of it under the one checkpoint. */
import type { EntryReference } from '../bundle-needs.ts';
import { BASE_REFERENCE, evidenceReferencesOf, referencesOf } from '../bundle-needs.ts';
import { equalBytes } from '../bytes.ts';
import { verifyInclusion } from '../merkle.ts';
import { ZERO_HASH } from '../sha256.ts';
import type { Action, Evidence, Item } from './evidence.ts';
import { failed, mustHold, unverifiable } from './finding.ts';

/** Exactly the entries, paths and openings that the subject needs (SPEC.md §11). */
export function checkNeeds(evidence: Evidence): string {
  const { bundle, subject, items } = evidence;
  mustHold(
    new Set(items.map(({ index }) => index)).size === items.length,
    'the subject stands twice',
  );
  const needed = new NeedsWalk(evidence).walk();
  const surplus = items.find((item) => !needed.has(item));
  mustHold(surplus === undefined, `nothing refers to entry ${surplus?.index}`);
  const actions = evidence.actions.map(({ item }) => item.index);
  const expected = [
    ...actions.filter((index) => index === subject.index),
    ...actions.filter((index) => index !== subject.index),
  ];
  const paths = bundle.envelopePaths.map(({ index }) => index);
  const areSame =
    paths.length === expected.length && paths.every((index, i) => index === expected[i]);
  mustHold(areSame, 'envelope paths are not exactly those of the actions, the subject first');
  const stray = bundle.disclosures.find(({ index }) => evidence.itemAt(index) === undefined);
  mustHold(stray === undefined, `a disclosure of entry ${stray?.index}, which is not here`);
  const canHaveHead = evidence.subjectAction !== undefined && evidence.coveringAnchor !== undefined;
  mustHold(
    bundle.agentHead === null || canHaveHead,
    "an agent's head without an anchored action to complete",
  );
  mustHold(
    bundle.consistency.length === 0 || evidence.coveringAnchor !== undefined,
    'a consistency path without an anchor',
  );
  return `holds the subject and the ${items.length - 1} entries that it needs, nothing else`;
}

/** References lead back, to an entry of the right kind. */
export function checkReferences(evidence: Evidence): string {
  let count = 0;
  for (const item of evidence.items) {
    const references = [
      ...referencesOf(item.entry, item === evidence.subject),
      ...evidenceReferencesOf(item.entry),
    ];
    for (const reference of references) {
      const target = evidence.itemAt(reference.index);
      if (target === undefined) continue; // a missing entry is the business of checkNeeds
      requireReference(item, reference, target);
      count += 1;
    }
  }
  return `${count} references lead back to entries of the right kind`;
}

/** Every entry is a leaf of the checkpoint's tree. */
export function checkInclusion({ items, proof }: Evidence): string {
  const { size, root } = proof.checkpoint;
  for (const { index, leafHash, path } of items) {
    mustHold(
      index < size,
      `entry ${index} is not in the checkpoint's tree of ${size}: ` +
        'the checkpoint is older than the entry',
    );
    const isIncluded = verifyInclusion({ index, size, leafHash, root }, path);
    mustHold(isIncluded, `entry ${index} is not in the checkpoint's tree of ${size} at that place`);
  }
  return `${items.length} entries are leaves of the checkpoint's tree of ${size}`;
}

/** Each entry holds the leaf hash of the one before it, wherever both are here. */
export function checkChain({ items }: Evidence): string {
  let links = 0;
  for (const [i, { index, entry }] of items.entries()) {
    const before = items[i - 1];
    const isFirst = index === 0n;
    mustHold(
      isFirst === equalBytes(entry.previousLeafHash, ZERO_HASH),
      `entry ${index}: the previous leaf hash is zero exactly at index 0`,
    );
    mustHold(isFirst === (entry.kind === 'genesis'), 'genesis stands exactly at index 0');
    if (before === undefined || before.index !== index - 1n) continue;
    mustHold(
      equalBytes(entry.previousLeafHash, before.leafHash),
      `entry ${index} does not continue entry ${before.index}`,
    );
    links += 1;
  }
  return `${links} neighbouring entries continue each other`;
}

function requireReference(item: Item, reference: EntryReference, target: Item): void {
  const place = `entry ${item.index}: ${reference.field} ${reference.index}`;
  // A boot entry names itself; the genesis entry precedes the boot that made it.
  const isOwnBoot = reference.field === 'bootIndex' && (item === target || item.index === 0n);
  mustHold(target.index < item.index || isOwnBoot, `${place} does not lead back`);
  const { kind } = target.entry;
  const isOfKind = reference.kinds.includes(kind);
  mustHold(isOfKind, `${place} is of kind ${kind}, not ${reference.kinds.join(' or ')}`);
}

class NeedsWalk {
  readonly #evidence: Evidence;
  readonly #needed = new Set<Item>();
  readonly #rested = new Set<Item>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** @throws Finding `fail` for the first entry that is needed and missing */
  walk(): ReadonlySet<Item> {
    const { subject, subjectAction, anchorChain, anchorBefore } = this.#evidence;
    this.#need(0n, 'the bundle');
    this.#visit(subject);
    for (const { item } of anchorChain) {
      this.#visit(item);
      const restores = this.#evidence.restoresFrom(item.entry.previousAnchorIndex);
      for (const restore of restores) this.#visit(restore.item);
    }
    if (anchorBefore !== undefined) this.#visit(anchorBefore.item);
    if (subjectAction !== undefined) {
      for (const outcome of this.#evidence.outcomesOf(subjectAction)) this.#visit(outcome.item);
    }
    return this.#needed;
  }

  #need(index: bigint, by: string): void {
    const item = this.#evidence.itemAt(index);
    if (item === undefined) throw failed(`entry ${index} is missing; ${by} needs it`);
    this.#visit(item);
  }

  #visit(item: Item): void {
    if (this.#needed.has(item)) return;
    this.#needed.add(item);
    const isSubject = item === this.#evidence.subject;
    for (const { field, index } of referencesOf(item.entry, isSubject)) {
      this.#need(index, `${field} of entry ${item.index}`);
      if (field === 'timeEvidenceIndex') this.#rest(index);
    }
    if (isSubject) this.#rest(item.index);
    const action = this.#evidence.actions.find((candidate) => candidate.item === item);
    if (action !== undefined) this.#visitAction(action);
  }

  /** Needs what the time evidence at `index` rests on, which some time here rests on. */
  #rest(index: bigint): void {
    const item = this.#evidence.itemAt(index);
    if (item === undefined || this.#rested.has(item)) return;
    this.#rested.add(item);
    for (const reference of evidenceReferencesOf(item.entry)) {
      this.#need(reference.index, `${reference.field} of entry ${index}`);
      if (reference.field === BASE_REFERENCE) this.#rest(reference.index);
    }
  }

  #visitAction(action: Action): void {
    const statement = this.#evidence.findStatementOf(action);
    if (statement === undefined)
      throw failed(`the statement of action ${action.item.index} is missing`);
    this.#visit(statement.item);
    const { intent } = action.envelope;
    if (intent === undefined) return;
    // A missing intent is the business of checkIntents: an agent may name one that never was.
    const target = this.#evidence.findAction(intent);
    if (target !== undefined) this.#visit(target.item);
  }
}

/** Every entry was made by an appliance whose document is here. */
export function checkAppliances({ items }: Evidence): string {
  const other = items.find(({ entry }) => entry.appliance !== 0);
  if (other === undefined) return 'every entry was made by appliance 0, which genesis describes';
  throw unverifiable(`entry ${other.index} is of appliance ${other.entry.appliance}, unknown here`);
}
