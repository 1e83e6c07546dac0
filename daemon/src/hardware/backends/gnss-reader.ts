/** A GNSS receiver of this box, read by a process that asks it who it is and nothing else. */
import { fileURLToPath } from 'node:url';

import type { TimeSource } from '../time-source.ts';
import { timeProcess } from './time-process.ts';

export interface ReceiverPlace {
  /** The serial line. */
  readonly line: string;
  readonly baud: number;
  /** Device of its pulse; null where none is read. */
  readonly pulse: string | null;
  /** After so long without a byte it counts as stalled. */
  readonly silenceMs: number;
  /** Between two questions for its unique id. */
  readonly askEveryMs: number;
}

const program = fileURLToPath(new URL('../../../gnss-reader/main.ts', import.meta.url));

export function gnssReader(place: ReceiverPlace): TimeSource {
  return timeProcess(program, place);
}
