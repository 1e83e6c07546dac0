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
  'unidentified',
  'too-few-satellites',
  'time-unresolved',
  'time-disagrees',
  'time-step',
  'position-unknown',
  'spoofing-not-monitored',
  'jamming-not-monitored',
] as const;
export type SourceProblem = (typeof SOURCE_PROBLEMS)[number];

/**
 * Problems of a receiver that do not undo themselves: once found they are carried on from evidence
 * to evidence, until operators sign another profile.
 */
export const LATCHED_PROBLEMS = [
  /** Another receiver answered than the one that is pinned. */
  'identity',
  /** The receiver indicated or affirmed it. */
  'spoofing',
  'jamming',
  /** The antenna was not where it was surveyed. */
  'position',
  /** Its time went otherwise than CLOCK_MONOTONIC_RAW can. */
  'time-step',
] as const satisfies readonly SourceProblem[];
export type LatchedProblem = (typeof LATCHED_PROBLEMS)[number];

/** `clean` is what a receiver says of its sky; `not-monitored` says nothing at all. */
export const SKY_STATES = ['not-monitored', 'clean', 'indicated', 'affirmed'] as const;
export type SkyState = (typeof SKY_STATES)[number];

/** What a receiver says of spoofing and of jamming. */
export interface Sky {
  readonly spoofing: SkyState;
  readonly jamming: SkyState;
}

/** Each once, in the order of the list. */
export function inOrder<P extends string>(list: readonly P[], found: Iterable<string>): P[] {
  const all = new Set(found);
  return list.filter((problem) => all.has(problem));
}

export const sourceState = names(0, SOURCE_STATES);
export const sourceProblem = names(0, SOURCE_PROBLEMS);
export const skyState = names(0, SKY_STATES);
