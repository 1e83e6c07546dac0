/** What levels, states and problems of time mean, in a few words each. */
import type { SourceProblem } from '@kudurru/proof';

import type { Colour } from './terminal.ts';

const LEVEL_COLOURS: Readonly<Record<string, Colour>> = {
  ATTESTED: 'good',
  LOCKED: 'good',
  HOLDOVER: 'open',
  DEGRADED: 'open',
  DISPUTED: 'bad',
  UNKNOWN: 'bad',
};

const STATE_COLOURS: Readonly<Record<string, Colour>> = {
  healthy: 'good',
  observed: 'dim',
  'not-judged': 'dim',
};

const LEVEL_MEANINGS: Readonly<Record<string, string>> = {
  ATTESTED: 'independent sources agree, attested by the TPM',
  LOCKED: 'a pinned, healthy source is followed',
  HOLDOVER: 'no source to follow; the own clock goes on from a lock',
  DEGRADED: 'the clock runs on without a lock that is good enough',
  DISPUTED: 'sources contradict each other, or the own clock',
  UNKNOWN: 'nothing bounds how wrong time is',
};

const PROBLEM_MEANINGS: Readonly<Record<SourceProblem, string>> = {
  silent: 'it is silent, or was for too long',
  malformed: 'it said what is not well-formed',
  noted: 'its process reported trouble',
  'too-few-readings': 'too few readings yet',
  'too-short': 'heard for too short a time yet',
  identity: 'another device answers, or answered, than is pinned',
  'port-not-slave': 'ptp4l follows no grandmaster',
  grandmaster: 'the grandmaster is not pinned, or changed',
  'grandmaster-absent': 'no grandmaster is there',
  'clock-class': "the grandmaster's clock class is not accepted",
  'clock-accuracy': "the grandmaster's accuracy is not accepted",
  'time-source': "the grandmaster's time source is not accepted",
  'not-traceable': 'the grandmaster says that its time is not traceable',
  timescale: 'the grandmaster does not give TAI',
  'utc-offset': 'it says another TAI−UTC than our list',
  'leap-announced': 'it announces a leap second that our list does not have',
  'sync-stale': 'no sync messages come',
  'delay-stale': 'the path delay is not measured any more',
  'delay-too-short': 'the path delay is shorter than can be',
  'delay-too-long': 'the path delay is longer than commissioned',
  'delay-mechanism': 'another delay mechanism than is pinned',
  'clock-stepped': 'the clock was set',
  rate: 'the clock runs faster or slower than its oscillator can',
  'counter-back': 'a counter went back',
  'no-fix': 'no fix by satellites',
  simulated: 'it is a simulator, or set by hand',
  spoofing: 'it indicated spoofing',
  jamming: 'it indicated jamming',
  position: 'it was not where it was surveyed',
  date: 'its date cannot be',
  accuracy: 'it is too inaccurate',
  pulse: 'its pulse is missing, or contradicts it',
  unidentified: 'it did not say which device it is',
  'too-few-satellites': 'it sees too few satellites',
  'time-unresolved': 'it doubts its own date or time',
  'time-disagrees': 'it contradicts itself',
  'time-step': 'its time stepped',
  'position-unknown': 'it does not say where it is',
  'spoofing-not-monitored': 'it does not watch for spoofing',
  'jamming-not-monitored': 'it does not watch for jamming',
};

export function levelColour(level: string): Colour {
  return LEVEL_COLOURS[level] ?? 'bad';
}

export function stateColour(state: string): Colour {
  return STATE_COLOURS[state] ?? 'bad';
}

export function levelMeaning(level: string): string {
  return LEVEL_MEANINGS[level] ?? '';
}

/** A code that is not known here is shown as it is. */
export function problemMeaning(problem: string): string {
  return (PROBLEM_MEANINGS as Readonly<Record<string, string>>)[problem] ?? problem;
}
