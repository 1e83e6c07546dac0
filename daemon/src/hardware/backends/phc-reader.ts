/** The clock of a network card of this box, read by a process that does nothing else. */
import { fileURLToPath } from 'node:url';

import type { TimeSource } from '../time-source.ts';
import { timeProcess } from './time-process.ts';

export interface PhcPlace {
  /** `/dev/ptp0`. */
  readonly device: string;
  /** Between two readings. */
  readonly intervalMs: number;
}

const program = fileURLToPath(new URL('../../../phc-reader/main.ts', import.meta.url));

export function phcReader(place: PhcPlace): TimeSource {
  return timeProcess(program, place);
}
