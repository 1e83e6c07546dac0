/** Steps that drills have in common. */
import { TIME_LEVELS, type TimeLevel, type TimeNoteCode } from '@kudurru/proof';

import type { GrandmasterSettings } from '../lab/grandmaster.ts';
import type { Direction } from '../lab/relay.ts';
import type { Step } from './drill.ts';

export function announce(say: string, settings: Partial<GrandmasterSettings>): Step {
  return { say, act: ({ grandmaster }) => grandmaster.announce(settings) };
}

export function delay(direction: Direction, ns: bigint): Step {
  const say = `${ns / 1000n} us more on the wire, ${direction}`;
  return { say, act: ({ lab }) => lab.relay.delay(direction, ns) };
}

export function below(level: TimeLevel): Step {
  const bound = TIME_LEVELS.indexOf(level);
  return { say: `below ${level}`, until: (now) => TIME_LEVELS.indexOf(now.level) < bound };
}

export function atLeast(level: TimeLevel): Step {
  const bound = TIME_LEVELS.indexOf(level);
  return { say: `${level} or better`, until: (now) => TIME_LEVELS.indexOf(now.level) >= bound };
}

export function disputed(): Step {
  return { say: 'DISPUTED', until: ({ level }) => level === 'DISPUTED' };
}

/** A finding about the source by this code. */
export function found(problem: string): Step {
  return {
    say: `found: ${problem}`,
    until: ({ verdicts }) => verdicts.some((verdict) => verdict.includes(problem)),
  };
}

/** By the process that reads the source; evidence keeps it. */
export function noted(code: TimeNoteCode): Step {
  return { say: `noted: ${code}`, comes: async ({ drilled }) => drilled.notes.has(code) };
}

export function watch(seconds: number): Step {
  return { say: `${seconds} s go by`, watchS: seconds };
}
