/**
 * What a daemon believes, read from its own log: the time of each entry, and what the newest
 * evidence before it finds of the sources.
 */
import {
  decodeAnyTimeEvidence,
  decodeRawTimeEvidence,
  type Entry,
  type EntryKind,
  type SourcedTimeEvidence,
  type TimeLevel,
} from '@kudurru/proof';

import { askControl } from '../backends/control.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { Believed } from './drill.ts';
import type { LabSource } from './lab-profile.ts';

/** It stands before the bytes of a body. */
const saltSizeBytes = 32;

/** Evidence, with the bytes that it was computed of. */
export interface Evidence {
  readonly index: bigint;
  readonly told: SourcedTimeEvidence;
  readonly raw: Uint8Array;
}

export interface LogReaderOptions {
  readonly scenario: Scenario;
  readonly sources: readonly LabSource[];
  readonly onEvidence: (evidence: Evidence) => void;
}

export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #findings: string[] = [];
  readonly #notes = new Set<string>();
  readonly #newest = new Map<EntryKind, bigint>();
  readonly #actionOf = new Map<TimeLevel, bigint>();
  #next = 0n;
  #lastTaiNs = 0n;
  #verdicts: readonly string[] = [];

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** What does not hold of the log, in words. */
  get findings(): readonly string[] {
    return this.#findings;
  }

  /** Codes of what the sources' processes noted and evidence has kept. */
  get notes(): ReadonlySet<string> {
    return this.#notes;
  }

  /** Index of the newest entry of this kind; -1 where there is none. */
  newestOf(kind: EntryKind): bigint {
    return this.#newest.get(kind) ?? -1n;
  }

  /** The newest action of each level. */
  get actionOf(): ReadonlyMap<TimeLevel, bigint> {
    return this.#actionOf;
  }

  /** Of every entry since the last time, in their order. */
  async readings(): Promise<readonly Believed[]> {
    const { scenario } = this.#options;
    const found: Believed[] = [];
    for (const size = await scenario.size(); this.#next < size; this.#next += 1n) {
      found.push(await this.#read(await scenario.entry(this.#next)));
    }
    return found;
  }

  async #read(entry: Entry): Promise<Believed> {
    if ('evidence' in entry) await this.#takeEvidence(entry.evidence);
    const { taiNs, monotonicRawNs: rawNs, statisticalNs, adversarialNs, level } = entry.time;
    if (taiNs < this.#lastTaiNs) this.#findings.push(`the time of entry ${this.#next} goes back`);
    this.#lastTaiNs = taiNs;
    this.#newest.set(entry.kind, this.#next);
    if (entry.kind === 'action') this.#actionOf.set(level, this.#next);
    return { rawNs, taiNs, statisticalNs, adversarialNs, level, verdicts: this.#verdicts };
  }

  async #takeEvidence(bytes: Uint8Array): Promise<void> {
    const told = decodeAnyTimeEvidence(bytes);
    if (told.version !== 2) return;
    const { scenario, sources, onEvidence } = this.#options;
    const path = `/v1/entries/${this.#next}/bodies/rawTimeEvidence`;
    const { status, bytes: body } = await askControl(scenario.appliance.controlSocket, path);
    if (status !== 200) throw new Error(`${path}: ${status} ${body.toString()}`);
    const raw = new Uint8Array(body.subarray(saltSizeBytes));
    for (const frame of decodeRawTimeEvidence(raw).frames) {
      if (frame.kind === 'note') this.#notes.add(Buffer.from(frame.bytes).toString());
    }
    this.#verdicts = told.verdicts.map(({ source, state, problems }) => {
      const why = problems.length === 0 ? '' : ` (${problems.join(' ')})`;
      return `${sources[source]?.source.id}: ${state}${why}`;
    });
    onEvidence({ index: this.#next, told, raw });
  }
}
