/** What is found of a source of time: whether it counts, and by closed codes why it does not. */
import { names } from '../schema.ts';

/**
 * `healthy`: pinned, and all that it says is in policy. `unhealthy`: does not count, for the
 * problems named. `outvoted`: healthy by itself, contradicted by the majority of what is
 * independent of it. `disputing`: healthy by itself, contradicted, with no majority to tell who is
 * wrong. `observed`: of a kind that never counts.
 */
export const SOURCE_STATES = ['healthy', 'unhealthy', 'outvoted', 'disputing', 'observed'] as const;
export type SourceState = (typeof SOURCE_STATES)[number];

/** Numbers are the places in this list: new ones go to its end. */
export const SOURCE_PROBLEMS = [
  'silent',
  'malformed',
  'noted',
  'too-few-readings',
  'too-short',
  'identity',
  'port-not-slave',
  'grandmaster',
  'grandmaster-absent',
  'clock-class',
  'clock-accuracy',
  'time-source',
  'not-traceable',
  'timescale',
  'utc-offset',
  'leap-announced',
  'sync-stale',
  'delay-stale',
  'delay-too-short',
  'delay-too-long',
  'delay-mechanism',
  'clock-stepped',
  'rate',
  'counter-back',
  'no-fix',
  'simulated',
  'spoofing',
  'jamming',
  'position',
  'date',
  'accuracy',
  'pulse',
] as const;
export type SourceProblem = (typeof SOURCE_PROBLEMS)[number];

export const sourceState = names(0, SOURCE_STATES);
export const sourceProblem = names(0, SOURCE_PROBLEMS);
