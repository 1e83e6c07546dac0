/**
 * What the scan of the journal hands on: entries and checkpoints that somebody signed, checked by
 * @kudurru/proof as a reader of a bundle would check them. The scan has put them in order.
 */
import {
  decodeApplianceDocument,
  decodeCbor,
  decodeEntry,
  decodeOperatorOrder,
  decodeRestoration,
  encodeHex,
  equalBytes,
  isAnchorEntry,
  isCborArray,
  ledgerIdOf,
  LogAudit,
  parseCheckpoint,
  ProofError,
  type BatchVerifier,
  type Checkpoint,
  type EntryOf,
  type LogEntry,
} from '@kudurru/proof';
import type { FsckEvidence } from '@kudurru/native';

import type { FoundedWith } from '../../src/provision/sealed-pin-check.ts';
import type { Finding, FindingList } from './finding.ts';

/** Types of records (native/src/core/journal/segment.h). */
const RECORD = { checkpoint: 2, prepare: 3, scopeKey: 4 } as const;
/** Of a record's form, by its version. */
const PREPARE_ITEMS: ReadonlyMap<unknown, number> = new Map([
  [1, 9],
  [2, 15],
  [3, 16],
]);
const SCOPE_KEY_ITEMS: ReadonlyMap<unknown, number> = new Map([[1, 3]]);
/** Published long before the last anchor: never. */
const NOTES_KEPT = 1024;

export class EvidenceAudit {
  readonly #findings: FindingList;
  readonly #verifyBatch: BatchVerifier | undefined;
  #audit: LogAudit | null = null;
  /** By index of the enrolment. A log has few agents. */
  readonly #enrolments = new Map<bigint, LogEntry>();
  /** Or the restore entry that stands in its place. */
  #lastAnchor: LogEntry | null = null;
  #lastBoot: LogEntry | null = null;
  /** The one that the last anchor names. */
  #bootOfAnchor: LogEntry | null = null;
  /** Of the orders that were carried out. */
  readonly #nonces = new Set<string>();
  #founded: FoundedWith | null = null;
  #checkpoints = 0n;
  #anchors = 0n;
  #newest: Checkpoint | null = null;
  /** The last checkpoints' notes, by size: the published one is among them. */
  readonly #notes = new Map<bigint, string>();

  constructor(findings: FindingList, verifyBatch?: BatchVerifier) {
    this.#findings = findings;
    this.#verifyBatch = verifyBatch;
  }

  get counts(): { readonly checkpoints: bigint; readonly anchors: bigint } {
    return { checkpoints: this.#checkpoints, anchors: this.#anchors };
  }

  /** What the genesis entry names; null where it is not known. */
  get founded(): FoundedWith | null {
    return this.#founded;
  }

  /** The checkpoint over the most entries that the journal holds. */
  get newest(): Checkpoint | null {
    return this.#newest;
  }

  /** Whether the journal holds this very note. */
  knows(note: Uint8Array, size: bigint): boolean {
    return this.#notes.get(size) === encodeHex(note);
  }

  /** What is wrong with a published note by itself; null where entry 0 is not known. */
  async problemsOfNote(note: Uint8Array): Promise<readonly string[] | null> {
    return (await this.#audit?.checkpoint(note)) ?? null;
  }

  async take(evidence: readonly FsckEvidence[]): Promise<void> {
    for (const one of evidence) {
      if (one.isEntry) await this.#takeEntry(one);
      else if (one.number === RECORD.checkpoint) await this.#takeCheckpoint(one);
      else this.#takeRecord(one);
    }
  }

  async #takeEntry(evidence: FsckEvidence): Promise<void> {
    const { index, bytes } = evidence;
    const subject: LogEntry = { index, entry: bytes };
    try {
      const entry = decodeEntry(bytes);
      const options = this.#verifyBatch === undefined ? {} : { verifyBatch: this.#verifyBatch };
      if (index === 0n) this.#audit = new LogAudit(bytes, options);
      if (entry.kind === 'genesis') this.#founded = foundedWith(entry);
      const references: LogEntry[] = [];
      if (entry.kind === 'session.open') {
        const enrolment = this.#enrolments.get(entry.agentIndex);
        if (enrolment !== undefined) references.push(enrolment);
      }
      if (isAnchorEntry(entry)) {
        this.#anchors += 1n;
        references.push(...this.#beforeAnchor());
        const previous = this.#lastAnchor?.index ?? null;
        if (entry.previousAnchorIndex !== previous) {
          this.#say(evidence, 'anchor-invalid', `anchor ${index} does not name the one before it`);
        }
        if (evidence.root !== null && !equalBytes(evidence.root, entry.root)) {
          this.#say(evidence, 'anchor-invalid', `anchor ${index} is of another tree`);
        }
        const { agentHeadsRoot } = evidence;
        if (agentHeadsRoot !== null && !equalBytes(agentHeadsRoot, entry.agentHeadsRoot)) {
          const text = `anchor ${index} has other last actions of agents than the log`;
          this.#say(evidence, 'agent-heads-contradict', text);
        }
        this.#lastAnchor = subject;
        this.#bootOfAnchor = this.#lastBoot;
      }
      if (entry.kind === 'boot') this.#lastBoot = subject;
      if (entry.kind === 'restore') {
        if (this.#lastAnchor !== null) references.push(this.#lastAnchor);
        this.#checkRestore(evidence, entry);
        this.#lastAnchor = subject;
      }
      if (entry.kind === 'restore' || entry.kind === 'time.profile') {
        this.#checkNonce(evidence, entry);
      }
      if (entry.kind === 'agent.enrol') this.#enrolments.set(index, subject);
      for (const problem of (await this.#audit?.entry(subject, references)) ?? []) {
        this.#say(evidence, isAnchorEntry(entry) ? 'anchor-invalid' : 'entry-invalid', problem);
      }
      for (const { code, text } of this.#audit?.replay(subject) ?? []) {
        this.#say(evidence, code, text);
      }
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      this.#say(evidence, 'entry-invalid', `entry ${index}: ${error.message}`);
    }
  }

  /** What an anchor is compared with, each once. */
  #beforeAnchor(): LogEntry[] {
    const all = [this.#lastAnchor, this.#bootOfAnchor, this.#lastBoot];
    return [...new Set(all)].filter((each) => each !== null);
  }

  /** The order is of the tree and of the anchor before it. */
  #checkRestore(evidence: FsckEvidence, { order }: EntryOf<'restore'>): void {
    const { payload } = decodeOperatorOrder(order);
    const previous = this.#lastAnchor?.index ?? null;
    const { previousAnchorIndex, root } = decodeRestoration(payload);
    if (previousAnchorIndex !== previous) {
      this.#say(evidence, 'entry-invalid', 'the order does not name the anchor before it');
    }
    if (evidence.root !== null && !equalBytes(evidence.root, root)) {
      this.#say(evidence, 'entry-invalid', 'the order is of another tree than the one before it');
    }
  }

  /** Whatever is ordered, a nonce is used once. */
  #checkNonce(evidence: FsckEvidence, { order }: EntryOf<'restore' | 'time.profile'>): void {
    const { nonce } = decodeOperatorOrder(order);
    if (this.#nonces.has(encodeHex(nonce))) {
      this.#say(evidence, 'entry-invalid', 'the order was carried out before');
    }
    this.#nonces.add(encodeHex(nonce));
  }

  async #takeCheckpoint(evidence: FsckEvidence): Promise<void> {
    this.#checkpoints += 1n;
    for (const problem of (await this.#audit?.checkpoint(evidence.bytes)) ?? []) {
      this.#say(evidence, 'checkpoint-invalid', problem);
    }
    const checkpoint = checkpointOf(evidence.bytes);
    if (checkpoint === null) return;
    const { size, root } = checkpoint;
    if (size > evidence.treeSize) {
      const text = `the checkpoint is over ${size} entries, and ${evidence.treeSize} are before it`;
      this.#say(evidence, 'checkpoint-contradicts', text);
    } else if (evidence.root !== null && !equalBytes(evidence.root, root)) {
      const text = `the checkpoint over ${size} entries has another root than the entries give`;
      this.#say(evidence, 'checkpoint-contradicts', text);
    }
    if (this.#newest === null || size > this.#newest.size) this.#newest = checkpoint;
    this.#notes.set(size, encodeHex(evidence.bytes));
    const [oldest] = this.#notes.keys();
    if (this.#notes.size > NOTES_KEPT && oldest !== undefined) this.#notes.delete(oldest);
  }

  /** Their form; what they say is not known offline, or stands in an entry too. */
  #takeRecord(evidence: FsckEvidence): void {
    const isPlan = evidence.number === RECORD.prepare && evidence.treeSize > 0n;
    if (!isPlan && evidence.number !== RECORD.scopeKey) return;
    const wanted = isPlan ? PREPARE_ITEMS : SCOPE_KEY_ITEMS;
    try {
      const items = decodeCbor(evidence.bytes);
      if (isCborArray(items) && wanted.get(items[0]) === items.length) return;
      this.#say(evidence, 'record-malformed', 'the record is of no known form');
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      this.#say(evidence, 'record-malformed', error.message);
    }
  }

  #say(evidence: FsckEvidence, code: string, message: string): void {
    const { file, offset, record, isEntry, index } = evidence;
    const place = { file, offset, record, entry: isEntry ? index : null };
    const finding: Finding = { weight: 'damage', code, ...place, message };
    this.#findings.add(finding);
  }
}

function foundedWith(entry: EntryOf<'genesis'>): FoundedWith {
  const { token } = decodeApplianceDocument(entry.applianceDocument);
  return { ledgerId: ledgerIdOf(entry.provisioningRecord), tokenSerial: token.serial };
}

/** Null for what is none: `problems` say so. */
export function checkpointOf(note: Uint8Array): Checkpoint | null {
  try {
    return parseCheckpoint(note);
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
