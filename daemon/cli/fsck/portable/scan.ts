/**
 * The check of a journal without native code: on any machine, on a copied folder, with
 * @kudurru/proof for all that is hashed, decoded and signed. The same steps and the same findings
 * as the native one, at a hundredth of its speed; tests hold the two together.
 */
import { join } from 'node:path';

import {
  decodeEntry,
  decodeStatement,
  equalBytes,
  isAnchorEntry,
  leafHash,
  MerkleTree,
  ProofError,
  verifySign1,
  type Entry,
} from '@kudurru/proof';
import type { FsckEvidence, FsckStep } from '@kudurru/native';

import type { Scan, ScanOptions } from '../check.ts';
import { checkpointOf } from '../evidence-audit.ts';
import { FindingList, type Finding } from '../finding.ts';
import { ChunkReader, parseChunk } from './chunks.ts';
import { GroupCheck, parseGroup, type CheckedEntry, type Group } from './group.ts';
import { Contradiction, LogOrder } from './log-order.ts';
import { damageAt, type Position } from './position.ts';
import { publishedEntries } from './published-entries.ts';
import { allows, parseRetired, retiredGroups, type RetiredMark } from './retired.ts';
import { RECORD_TYPE, type WholeRecord } from './segment.ts';
import { TileChecks } from './tiles.ts';
import { JournalWalk, type WalkItem } from './walk.ts';

const RUN_MS = 100;
const EVIDENCE_KINDS: Partial<Record<Entry['kind'], number>> = {
  genesis: 0,
  boot: 1,
  'time-evidence': 3,
  'session.open': 4,
  'agent.enrol': 8,
  anchor: 18,
  'counter-anchor': 19,
  restore: 26,
  'time.profile': 28,
};
/** Sizes whose roots are kept: a checkpoint is over one of the last. */
const ROOTS_KEPT = 65_536;

/** The last entry of a group whose root is not what its entries give. */
interface Held {
  readonly checked: CheckedEntry;
  readonly group: GroupCheck;
  readonly place: number;
}

export class PortableScan implements Scan {
  readonly #folder: string;
  readonly #options: ScanOptions;
  readonly #runMs: number;
  readonly #findings = new FindingList();
  readonly #walk: JournalWalk;
  readonly #retired: Iterator<Group | null, void, void>;
  readonly #items: Iterator<WalkItem, void, void>;
  readonly #chunks: ChunkReader;
  readonly #order: LogOrder;
  readonly #tiles: TileChecks;
  readonly #roots = new Map<bigint, Uint8Array>();
  #evidence: FsckEvidence[] = [];
  #held: Held | null = null;
  #mark: RetiredMark | null = null;
  #isInJournal = false;
  #isDamaged = false;
  #isComplete = false;
  #whole: { size: bigint; root: Uint8Array };
  readonly #counts = {
    ...{ recovered: 0n, laterEntries: 0n, bodies: 0n, bodiesRetired: 0n, signatures: 0n },
  };

  /**
   * @param runMs of one `run`, which takes a record at least
   * @throws Error where there is no journal
   */
  constructor(folder: string, options: ScanOptions, runMs = RUN_MS) {
    const say = this.#findings.add.bind(this.#findings);
    this.#folder = folder;
    this.#options = options;
    this.#runMs = runMs;
    this.#walk = new JournalWalk(join(folder, 'journal'), say);
    this.#items = this.#walk.items();
    this.#retired = retiredGroups(folder, this.#walk.held.firstIndex, say);
    this.#chunks = new ChunkReader(join(folder, 'journal'));
    const { from, published } = options;
    this.#tiles = new TileChecks({ folder, from, publishedSize: published.size, say });
    this.#order = new LogOrder(this.#walk.ledgerId, this.#tiles.onNode);
    this.#whole = { size: 0n, root: this.#order.tree.root() };
  }

  run(): Promise<FsckStep> {
    const until = performance.now() + this.#runMs;
    do {
      if (this.#isInJournal) this.#takeNext();
      else this.#takeRetired();
    } while (!this.#isComplete && performance.now() < until);
    return Promise.resolve(this.#step());
  }

  #takeNext(): void {
    const next = this.#items.next();
    if (next.done === true) this.#finish();
    else this.#take(next.value);
  }

  #takeRetired(): void {
    const next = this.#retired.next();
    if (next.done === true) this.#isInJournal = true;
    else if (next.value === null) this.#isDamaged = true;
    else this.#takeGroup({ segment: 0, offset: 0, record: 0n }, next.value);
  }

  #take(item: WalkItem): void {
    if (item.kind === 'gap') this.#isDamaged = true;
    else if (item.record.type !== RECORD_TYPE.group) this.#takeRecord(item.position, item.record);
    else {
      const parsed = parseGroup(item.record.payload);
      if (parsed !== null) return this.#takeGroup(item.position, parsed);
      this.#findings.add(damageAt(item.position, 'group-malformed', 'the record holds no group'));
      this.#isDamaged = true;
    }
  }

  #takeGroup(position: Position, parsed: Group): void {
    const { from, bodies } = this.#options;
    const { firstSegment } = this.#walk.held;
    const group = new GroupCheck(parsed, position, { from, chunks: this.#chunks, firstSegment });
    if (bodies) this.#counts.bodies += group.bodies;
    if (bodies) this.#counts.bodiesRetired += group.bodiesRetired;
    this.#findings.add(...group.findings);
    const link = group.entries[0]?.entry?.previousLeafHash ?? null;
    this.#settleHeld(link);
    const { firstIndex } = parsed;
    const wasDamaged = this.#isDamaged;
    if (firstIndex > this.#order.tree.size && link !== null) this.#bridge(firstIndex, { link });
    const isNext = firstIndex === this.#order.tree.size;
    if (!isNext && !wasDamaged) {
      const { size } = this.#order.tree;
      const text = `the group begins at entry ${firstIndex}, after ${size} entries`;
      this.#findings.add(damageAt(position, 'group-out-of-place', text));
    }
    if (!isNext) this.#isDamaged = true;
    if (!isNext || !this.#fits(group) || !this.#appendAll(group)) this.#judgeAlone(group);
  }

  #fits(group: GroupCheck): boolean {
    let link = this.#order.lastLeafHash;
    for (const [place, { entry, leafHash: leaf }] of group.entries.entries()) {
      if (entry === null) return false;
      if (!equalBytes(entry.previousLeafHash, link)) {
        if (place === 0) this.#findings.add(brokenChain(group, place));
        return false;
      }
      link = leaf;
    }
    return true;
  }

  #appendAll(group: GroupCheck): boolean {
    const last = group.entries.length - 1;
    for (const [place, checked] of group.entries.entries()) {
      if (place === last && !group.isRetired && !this.#givesRoot(group, checked)) {
        this.#held = { checked, group, place };
        return true;
      }
      if (!this.#append(group, checked)) return false;
      const { size } = this.#order.tree;
      const isReached = group.isRetired && size === this.#options.resumed.size;
      if (isReached) this.#checkResumed(group, size, this.#order.tree.root());
    }
    if (this.#order.isInsideStatement) {
      this.#findings.add(group.damage('statement-cut', last, 'the group ends within a statement'));
      this.#isDamaged = true;
    }
    const { size } = this.#order.tree;
    // Nothing says which root retired entries must give but the groups behind them.
    const root = group.isRetired ? this.#order.tree.root() : group.group.root;
    this.#roots.set(size, root);
    const [oldest] = this.#roots.keys();
    if (this.#roots.size > ROOTS_KEPT && oldest !== undefined) this.#roots.delete(oldest);
    if (!group.isRetired) this.#checkResumed(group, size, root);
    if (!this.#isDamaged) this.#whole = { size, root };
    return true;
  }

  #checkResumed({ group, position }: GroupCheck, size: bigint, root: Uint8Array): void {
    const { resumed } = this.#options;
    if (group.firstIndex >= resumed.size || resumed.size > size) return;
    if (resumed.size === size && equalBytes(resumed.root, root)) return;
    const text = 'the earlier check, which this one goes on with, was of another log';
    this.#findings.add(damageAt(position, 'resumed-log-differs', text));
  }

  #givesRoot(group: GroupCheck, last: CheckedEntry): boolean {
    const { size, edge } = this.#order.tree;
    const grown = new MerkleTree(undefined, { size, edge });
    grown.appendHash(last.leafHash);
    return equalBytes(grown.root(), group.group.root);
  }

  #append(group: GroupCheck, { bytes, entry, leafHash: leaf }: CheckedEntry): boolean {
    const index = this.#order.tree.size;
    const place = Number(index - group.group.firstIndex);
    if (entry === null) return false;
    try {
      this.#order.append(entry, leaf);
    } catch (error) {
      if (!(error instanceof Contradiction)) throw error;
      this.#findings.add(group.damage('entry-contradicts', place, error.message));
      return false;
    }
    this.#tiles.takeEntry(index, bytes);
    this.#note(group, { index, bytes, entry, leafHash: leaf });
    return true;
  }

  #note(
    group: GroupCheck,
    { index, bytes, entry, leafHash: leaf }: CheckedEntry & { index: bigint; entry: Entry },
  ): void {
    const place = Number(index - group.group.firstIndex);
    const isNew = index >= this.#options.from;
    if (entry.kind === 'statement' && isNew && this.#options.signatures) {
      this.#counts.signatures += 1n;
      const signer = this.#order.signerOf(entry);
      if (signer === null || !verifySign1(decodeStatement(entry.statement).sign1, signer)) {
        const text = `the statement in entry ${index} is not signed by its agent's key`;
        this.#findings.add(group.damage('signature-invalid', place, text));
      }
    }
    const number = EVIDENCE_KINDS[entry.kind];
    if (number === undefined) return;
    // An anchor is of a tree, and the order of a restore entry of the one before the entry.
    const size = isAnchorEntry(entry) ? entry.size : entry.kind === 'restore' ? index : null;
    const root = size === null ? null : (this.#roots.get(size) ?? null);
    const { file, offset } = evidencePlaceOf(group, index);
    const record = group.position.record;
    const at = { file, offset, record, index, leafHash: leaf, treeSize: index + 1n };
    // Where the agents stood in a tree of before is for the native scan to know.
    this.#evidence.push({ isEntry: true, number, ...at, root, agentHeadsRoot: null, bytes });
  }

  #takeRecord(position: Position, { type, payload }: WholeRecord): void {
    if (type === RECORD_TYPE.stop) return;
    if (type === RECORD_TYPE.bodyChunk || type === RECORD_TYPE.retired) {
      return this.#takeOwnRecord(position, type, payload);
    }
    const bytes = new Uint8Array(payload);
    const size = type === RECORD_TYPE.checkpoint ? checkpointOf(bytes)?.size : undefined;
    const root = size === undefined ? null : (this.#roots.get(size) ?? null);
    const { file, offset } = damageAt(position, '', '');
    const at = { file, offset, record: position.record, treeSize: this.#order.tree.size };
    const nothing = { index: 0n, leafHash: new Uint8Array(), agentHeadsRoot: null };
    this.#evidence.push({ isEntry: false, number: type, ...at, ...nothing, root, bytes });
  }

  /** Records that nobody signed, and that say nothing of an entry. */
  #takeOwnRecord(position: Position, type: number, payload: Uint8Array): void {
    if (type === RECORD_TYPE.bodyChunk) {
      if (parseChunk(payload) !== null) return;
      this.#findings.add(damageAt(position, 'chunk-malformed', 'no chunk of a large body'));
      return;
    }
    this.#mark = parseRetired(payload);
    if (this.#mark !== null) return;
    this.#findings.add(damageAt(position, 'record-malformed', 'no record of a retirement'));
  }

  #settleHeld(link: Uint8Array | null): void {
    if (this.#held === null) return;
    const { checked, group, place } = this.#held;
    this.#held = null;
    this.#isDamaged = true;
    const { entry, leafHash: leaf, bytes } = checked;
    const index = this.#order.tree.size;
    if (link !== null && entry !== null && equalBytes(link, leaf)) {
      this.#order.append(entry, leaf);
      this.#tiles.takeEntry(index, bytes);
      const text = 'the group holds another root than its entries give';
      this.#findings.add(group.damage('group-root', place, text));
      return;
    }
    const text = `entry ${index} is not what was written: the entries do not give their root`;
    this.#findings.add(group.damage('root-mismatch', place, text));
  }

  #bridge(until: bigint, proof: { link?: Uint8Array; root?: Uint8Array }): void {
    this.#isDamaged = true;
    const found = publishedEntries(this.#folder, this.#order.tree.size, until);
    if (found === null) return;
    const { size, edge } = this.#order.tree;
    const grown = new MerkleTree(undefined, { size, edge });
    let link = this.#order.lastLeafHash;
    const entries: CheckedEntry[] = [];
    for (const bytes of found) {
      const entry = decoded(bytes);
      if (entry === null || !equalBytes(entry.previousLeafHash, link)) return;
      link = leafHash(bytes);
      grown.appendHash(link);
      entries.push({ bytes, entry, leafHash: link });
    }
    if (proof.link !== undefined && !equalBytes(proof.link, link)) return;
    if (proof.root !== undefined && !equalBytes(proof.root, grown.root())) return;
    for (const { bytes, entry, leafHash: leaf } of entries) {
      const index = this.#order.tree.size;
      if (entry === null || !this.#appendBridged(entry, leaf)) return;
      this.#tiles.takeEntry(index, bytes);
      this.#counts.recovered += 1n;
    }
  }

  #appendBridged(entry: Entry, leaf: Uint8Array): boolean {
    try {
      this.#order.append(entry, leaf);
      return true;
    } catch (error) {
      if (error instanceof Contradiction) return false;
      throw error;
    }
  }

  #judgeAlone(group: GroupCheck): void {
    this.#isDamaged = true;
    const { firstIndex } = group.group;
    const end = firstIndex + BigInt(group.entries.length);
    const { size } = this.#order.tree;
    this.#counts.laterEntries += end > size ? end - size : 0n;
    for (const [place, { entry }] of group.entries.entries()) {
      const before = group.entries[place - 1];
      if (before === undefined || firstIndex + BigInt(place) <= size) continue;
      if (entry === null || before.entry === null) continue;
      if (equalBytes(entry.previousLeafHash, before.leafHash)) continue;
      this.#findings.add(brokenChain(group, place));
    }
  }

  #finish(): void {
    this.#settleHeld(null);
    const { size, root } = this.#options.published;
    if (this.#order.tree.size < size) this.#bridge(size, { root });
    this.#tiles.finish();
    this.#isComplete = true;
    const { firstSegment, firstRecord } = this.#walk.held;
    if (firstSegment === 0 || (this.#mark !== null && allows(this.#mark, this.#walk.held))) return;
    const place = { segment: firstSegment - 1, offset: 0, record: firstRecord };
    const text = 'the segment is missing, and no record says that it was retired';
    this.#findings.add(damageAt(place, 'segment-missing', text));
  }

  #step(): FsckStep {
    const evidence = this.#evidence;
    this.#evidence = [];
    const { ledgerId, bytesDone, bytesTotal, records, tornBytes, stoppedCleanly, end } = this.#walk;
    const { list, damages, rebuildables } = this.#findings;
    return {
      ...{ ledgerId, bytesDone, bytesTotal, records, tornBytes, stoppedCleanly },
      ...this.#whole,
      settled: this.#whole,
      ...this.#counts,
      sizeChecked: this.#order.tree.size,
      bodiesOpened: 0n,
      retiredEntries: this.#walk.held.firstIndex,
      tiles: this.#tiles.compared,
      tilesRepaired: 0n,
      end: { ...end, offset: BigInt(end.offset) },
      isComplete: this.#isComplete,
      findings: { list, damages, rebuildables },
      evidence,
    };
  }
}

/** A retired entry's is its bundle. */
function evidencePlaceOf(group: GroupCheck, index: bigint): Pick<Finding, 'file' | 'offset'> {
  const published = group.group.places?.[Number(index - group.group.firstIndex)];
  if (published !== undefined) return { file: published.file, offset: 0n };
  return damageAt(group.position, '', '');
}

function brokenChain(group: GroupCheck, place: number): ReturnType<GroupCheck['damage']> {
  const index = group.group.firstIndex + BigInt(place);
  const text = `entry ${index} does not hold the leaf hash of the entry before`;
  return group.damage('chain-broken', place, text);
}

function decoded(bytes: Uint8Array): Entry | null {
  try {
    return decodeEntry(bytes);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
