/** What a TPM can do, how it is, and how fast it is: for people, at the start and when they ask. */
import type { TpmClock } from './attestation.ts';
import type { AssuranceLabel } from './device-description.ts';

export interface TpmExaminer {
  /**
   * Looks at everything and measures each command; neither counter nor extend index is touched.
   * Ends before its deadline with as many runs as there was time for.
   */
  examine(request: ExaminationRequest, timeoutMs: number): Promise<TpmExamination>;
}

export interface ExaminationRequest {
  /** Times that each command is measured: 1 to `examinationRunsMax`. */
  readonly runs: number;
  /**
   * What writes too: a counter and an extend index are made, used and removed, and the debug PCR is
   * extended. Wears the TPM.
   */
  readonly wear: boolean;
}

export const examinationRunsMax = 1000;

export interface TpmExamination {
  readonly label: AssuranceLabel;
  readonly manufacturer: string;
  readonly vendorString: string;
  /** As vendors write it: four numbers. */
  readonly firmware: string;
  /** Of the library specification: 159 is 1.59. */
  readonly revision: number;
  readonly clock: TpmClock;
  readonly checks: readonly TpmCheck[];
  readonly quirks: readonly TpmQuirk[];
  readonly latencies: readonly TpmLatency[];
}

export interface TpmCheck {
  readonly name: string;
  /** `bad`: the daemon does not start with it. `poor`: somebody should look at it. */
  readonly outcome: 'good' | 'poor' | 'bad';
  readonly text: string;
}

export interface TpmQuirk {
  readonly name: string;
  readonly meaning: string;
}

export interface TpmLatency {
  /** TPM2 command, or several that are always sent together. */
  readonly operation: string;
  readonly runs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}
