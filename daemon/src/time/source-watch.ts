/**
 * What one source of time said lately, for people to see: when, what became of it, and of PTP the
 * last offsets and delays. Nothing is decided by it; evidence is made of the frames themselves.
 */
import { decodePtpManagement, ProofError, type TimeRecord } from '@kudurru/proof';

export interface PtpSample {
  /** CLOCK_MONOTONIC_RAW when it came. */
  readonly rawNs: bigint;
  /** Own clock minus grandmaster. */
  readonly offsetNs: bigint;
  /** Mean path delay. */
  readonly delayNs: bigint;
}

/** `none`: nothing reads it here. `restarting`: its process ended, or spoke what is not known. */
export type SourceProcess = 'none' | 'running' | 'restarting';

/** Two minutes at the pace that a source is asked. */
export const SAMPLES_MAX = 120;

/** A PTP TimeInterval is in 2^-16 ns. */
const SCALE_BITS = 16n;

export class SourceWatch {
  #process: SourceProcess = 'none';
  #restarts = 0;
  #heardRawNs: bigint | null = null;
  readonly #notes = new Map<string, number>();
  readonly #samples: PtpSample[] = [];

  get process(): SourceProcess {
    return this.#process;
  }

  /** How often its process ended, or was not understood. */
  get restarts(): number {
    return this.#restarts;
  }

  /** CLOCK_MONOTONIC_RAW of the last frame; null before the first. */
  get heardRawNs(): bigint | null {
    return this.#heardRawNs;
  }

  /** How often each note came, by its code. */
  get notes(): ReadonlyMap<string, number> {
    return this.#notes;
  }

  /** Oldest first. */
  get samples(): readonly PtpSample[] {
    return this.#samples;
  }

  hear(record: TimeRecord): void {
    this.#process = 'running';
    if (record.kind === 'note') return;
    this.#heardRawNs = record.rawAfterNs;
    const sample = record.kind === 'ptp-management' ? sampleIn(record) : null;
    if (sample === null) return;
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  noted(code: string): void {
    this.#notes.set(code, (this.#notes.get(code) ?? 0) + 1);
  }

  lost(): void {
    this.#process = 'restarting';
    this.#restarts += 1;
  }
}

/** Null of another data set, and of a message that is none: evidence tells of that. */
function sampleIn({ rawAfterNs, bytes }: TimeRecord): PtpSample | null {
  try {
    const { action, body } = decodePtpManagement(bytes);
    if (action !== 'RESPONSE' || body.type !== 'data') return null;
    const { dataSet } = body;
    if (dataSet?.name !== 'CURRENT_DATA_SET') return null;
    return {
      rawNs: rawAfterNs,
      offsetNs: dataSet.offsetFromMasterScaledNs >> SCALE_BITS,
      delayNs: dataSet.meanPathDelayScaledNs >> SCALE_BITS,
    };
  } catch (error) {
    if (error instanceof ProofError) return null;
    throw error;
  }
}
