/** What one long run is told, and what it tells. */
import type { StepCell } from './step-table.ts';

export interface SoakOptions {
  /** How long it may go on beginning new work. */
  readonly minutes: number;
  readonly seed: number;
  /** An empty folder on a real disk. */
  readonly folder: string;
  /** A document whose table of faults is to be written anew. */
  readonly tableFile: string | null;
  /** What an earlier run had done, to be gone on from and added to. */
  readonly before: SoakResult | null;
  readonly say: (line: string) => void;
  /** Keeps what was done so far, for a run that does not come to its end. */
  readonly save: (result: SoakResult) => void;
}

export interface SoakResult {
  /** What was done, in numbers. */
  readonly counts: Readonly<Record<string, number>>;
  /** What does not hold, in words; empty when all is well. */
  readonly findings: readonly string[];
  /** What came of each mishap at each step, where it is about steps. */
  readonly cells?: readonly StepCell[];
}

export interface Soak {
  readonly name: string;
  /** One sentence, for the manual page. */
  readonly about: string;
  run(options: SoakOptions): Promise<SoakResult>;
}
