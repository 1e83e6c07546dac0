/**
 * The files of a state folder beside journal, tiles and index: each is checked against what it says
 * of itself or what the journal says, and whatever has no business here is named. Which file is
 * what is written in daemon/ARCHITECTURE.md, "Files of the state folder".
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { equalBytes, type Checkpoint } from '@kudurru/proof';

import { checkedJson } from '../../src/base/checked-json.ts';
import { problemsOfSealedPin } from '../../src/provision/sealed-pin-check.ts';
import { isMissingFile } from '../published-log.ts';
import { checkpointOf, type EvidenceAudit } from './evidence-audit.ts';
import { aboutFile, type Finding, type FindingList } from './finding.ts';

const SNAPSHOT_NAME = /^\d{8,10}\.snapshot$/u;
const DIGEST_SIZE_BYTES = 32;
/** Group and all others. */
const othersMask = 0o077;

/** What the scan of the journal came to. */
export interface Scanned {
  /** Entries, those among them that only the published bundles have. */
  readonly size: bigint;
  /** Entries up to which nothing of the journal is missing. */
  readonly sizeInJournal: bigint;
  /** Root at the published size, as far as the scan knows it. */
  readonly audit: EvidenceAudit;
}

export class FolderCheck {
  readonly #folder: string;
  readonly #findings: FindingList;

  constructor(folder: string, findings: FindingList) {
    this.#folder = folder;
    this.#findings = findings;
  }

  async run(scanned: Scanned, published: Uint8Array | null): Promise<void> {
    await this.#checkPublished(scanned, published);
    await this.#checkSnapshots();
    await this.#checkTpmKeys();
    await this.#checkSealedPin(scanned.audit);
  }

  async #checkPublished(scanned: Scanned, note: Uint8Array | null): Promise<void> {
    const { size, audit } = scanned;
    if (audit.newest !== null && audit.newest.size > size) {
      this.#add('journal', 'damage', [
        'entries-lost',
        `a checkpoint over ${audit.newest.size} entries was signed, and ${size} are whole`,
      ]);
    }
    if (note === null) return;
    const checkpoint = checkpointOf(note);
    const problems = (await audit.problemsOfNote(note)) ?? [];
    if (checkpoint === null || problems.length > 0) {
      const [problem = 'it is no checkpoint'] = problems;
      this.#add('checkpoint', 'rebuildable', ['checkpoint-wrong', problem]);
      return;
    }
    if (this.#areLost(checkpoint, scanned)) return;
    if (audit.knows(note, checkpoint.size)) return;
    this.#add('checkpoint', 'rebuildable', [
      'checkpoint-wrong',
      'the journal does not hold this checkpoint',
    ]);
  }

  /** A journal that merely ends too early shows no damage by itself. */
  #areLost(checkpoint: Checkpoint, { size, sizeInJournal }: Scanned): boolean {
    const isJournalWhole = this.#findings.damages === 0n;
    const held = isJournalWhole ? sizeInJournal : size;
    if (checkpoint.size <= held) return false;
    this.#add('checkpoint', 'damage', [
      'entries-lost',
      `${checkpoint.size} entries were published, and ${held} are whole in the journal`,
    ]);
    return true;
  }

  /** A snapshot ends in the digest of all before. */
  async #checkSnapshots(): Promise<void> {
    for (const name of await this.#list('snapshot')) {
      if (!SNAPSHOT_NAME.test(name)) continue;
      const bytes = await unlessGone(readFile(join(this.#folder, 'snapshot', name)));
      if (bytes === null) continue;
      const end = Math.max(0, bytes.length - DIGEST_SIZE_BYTES);
      const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
      if (equalBytes(digest, bytes.subarray(end))) continue;
      const text = 'the file does not end in the digest of what it holds';
      this.#add(join('snapshot', name), 'rebuildable', ['snapshot-wrong', text]);
    }
  }

  async #checkTpmKeys(): Promise<void> {
    const file = join('devices', 'tpm-keys', 'tpm.json');
    try {
      checkedJson(await readFile(join(this.#folder, file), 'utf8'));
    } catch (error) {
      if (isMissingFile(error) || !(error instanceof Error)) return;
      this.#add(file, 'damage', ['device-keys-damaged', error.message]);
    }
  }

  /** Where none is sealed there is no file. */
  async #checkSealedPin({ founded }: EvidenceAudit): Promise<void> {
    const file = join('devices', 'tpm-keys', 'token-pin.json');
    const path = join(this.#folder, file);
    const found = await unlessGone(Promise.all([readFile(path, 'utf8'), stat(path)]));
    if (found === null) return;
    const [text, { mode }] = found;
    for (const problem of problemsOfSealedPin(text, founded)) {
      this.#add(file, 'damage', ['sealed-pin-damaged', problem]);
    }
    if ((mode & othersMask) === 0) return;
    const shown = (mode & 0o777).toString(8);
    const problem = `others may use it: its mode is ${shown}, not 600`;
    this.#add(file, 'damage', ['sealed-pin-damaged', problem]);
  }

  async #list(folder: string): Promise<string[]> {
    try {
      return (await readdir(join(this.#folder, folder))).toSorted();
    } catch (error) {
      if (isMissingFile(error)) return [];
      throw error;
    }
  }

  #add(file: string, weight: Finding['weight'], words: readonly [string, string]): void {
    this.#findings.add(aboutFile(file, weight, words));
  }
}

/** A running daemon makes files anew and removes the old ones: null for one that went meanwhile. */
async function unlessGone<Value>(reading: Promise<Value>): Promise<Value | null> {
  try {
    return await reading;
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
}
