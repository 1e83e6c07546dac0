/**
 * A drill as data: what happens in a lab, what must come to be believed, and what the believed time
 * rests on that the drill may take away.
 */
import type { TimeLevel, TimeProfile } from '@kudurru/proof';

import type { LabOptions } from '../lab/lab.ts';
import type { LabSource } from './lab-profile.ts';
import type { Stage } from './stage.ts';

/** What the daemon believes of one moment: an entry. */
export interface Believed {
  readonly rawNs: bigint;
  readonly taiNs: bigint;
  readonly statisticalNs: bigint | null;
  readonly adversarialNs: bigint | null;
  readonly level: TimeLevel;
  /** Of each source in the newest evidence: `ptp: healthy`, `ptp: unhealthy (grandmaster)`. */
  readonly verdicts: readonly string[];
}

export type Step =
  | { readonly say: string; act(stage: Stage): Promise<unknown> }
  /** Fails the drill where it does not come within the limit. */
  | { readonly say: string; until(believed: Believed): boolean }
  /** The same, of what is not in a reading. */
  | { readonly say: string; comes(stage: Stage): Promise<boolean> }
  /** Nothing is done; what is believed is watched. */
  | { readonly say: string; readonly watchS: number };

export interface Drill {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly lab?: LabOptions;
  /** Needs linuxptp 4. */
  readonly needsNewer?: boolean;
  /** What the appliance is commissioned with; default: its ptp4l at the grandmaster. Both run. */
  readonly sources?: (stage: Stage) => Promise<readonly LabSource[]>;
  /** Of the appliance, as its time profile has it; default: a quartz. */
  readonly oscillator?: TimeProfile['oscillator'];
  /** Before the client's ptp4l first runs. */
  readonly fromBoot?: readonly Step[];
  /** From the first LOCKED on, or where `fromBoot` is given from the start of the client. */
  readonly steps: readonly Step[];
  /** What the windows rest on and this drill takes away: then, and only then, they may not hold. */
  readonly takesAway?: string;
}

export interface DrillResult {
  readonly name: string;
  /** Of the daemon's entries, in the order in which they were passed through. */
  readonly levels: readonly TimeLevel[];
  readonly worstTrueErrorNs: string;
  /** While the level was LOCKED or better. */
  readonly worstTrueErrorWhenLockedNs: string;
  /** The truth was outside the adversarial window while the level was LOCKED or better. */
  readonly wasOutsideWhenLocked: boolean;
  readonly takesAway: string | null;
  readonly actions: number;
  readonly actionsLost: number;
  /** Entries that were held against the truth. */
  readonly readings: number;
  readonly seconds: number;
  /** What did not hold, in words. */
  readonly findings: readonly string[];
}
