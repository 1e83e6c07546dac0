/** Times by evidence of named sources that must be VALID. */
import type { TimeLevel } from '../../src/entry-fields.ts';
import type { RawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
import { RECEIVER_SOURCE } from '../support/gnss-world.ts';
import type { Exhibit } from './scenario.ts';
import type { TimedChoices, TimedStage } from './timed.ts';
import { CORPUS_PROFILE, heldOverAfter, ofTimed } from './timed.ts';

export interface TimeCase {
  readonly name: string;
  readonly make: () => Promise<Exhibit>;
}

/** Times by evidence of named sources, under a policy that asks for their level. */
export function acceptedTimeCases(): readonly TimeCase[] {
  const twoSources = [
    ...CORPUS_PROFILE.sources,
    ...CORPUS_PROFILE.sources.map((source) => ({ ...source, id: 'ptp-2', group: 'grandmaster.b' })),
  ];
  const profile = { ...CORPUS_PROFILE, sources: twoSources };
  return [
    { name: 'time-locked', make: () => under('LOCKED', ofTimed()) },
    { name: 'time-of-two-sources', make: () => under('LOCKED', ofTimed({ profile })) },
    {
      name: 'time-by-ptp-and-gnss',
      make: () =>
        under(
          'ATTESTED',
          ofTimed({
            ...withReceiver,
            scenario: { withAnchorBefore: false },
            afterwards: (ledger, stage) => stage.anchor(ledger, stage.raw),
          }),
        ),
    },
    {
      name: 'time-beside-a-latched-receiver',
      make: () =>
        under(
          'LOCKED',
          ofTimed({
            ...withReceiver,
            script: { spoofing: 3 },
            afterwards: (ledger, stage) => stage.tell(ledger, calmFrames(stage)),
          }),
        ),
    },
    {
      // What was latched under one profile is open again under the next that operators sign.
      name: 'time-under-a-second-profile',
      make: () =>
        under(
          'LOCKED',
          ofTimed({
            afterwards(ledger, stage) {
              stage.prior = null;
              stage.begin(ledger);
              stage.disclosures.shift();
            },
          }),
        ),
    },
    {
      name: 'time-in-holdover',
      make: () =>
        under(
          'HOLDOVER',
          ofTimed({
            afterwards(ledger, stage) {
              const frames = stage.framesOf(0, { state: () => ({ portState: 4, ingressNs: 0n }) });
              stage.tell(ledger, { version: 2, frames }, stage.segment);
            },
          }),
        ),
    },
    {
      name: 'time-in-holdover-of-one-run',
      make: () => under('HOLDOVER', ofTimed({ afterwards: heldOverAfter(1_000_000n) })),
    },
    {
      name: 'time-disputed',
      make: () =>
        under(
          'DISPUTED',
          ofTimed({ profile, worldOf: (place) => ({ lieNs: () => place * 900_000 }) }),
        ),
    },
    {
      name: 'time-attested-in-an-anchor',
      make: () =>
        under(
          'ATTESTED',
          ofTimed({
            profile,
            scenario: { withAnchorBefore: false },
            afterwards: (ledger, stage) => stage.anchor(ledger, stage.raw),
          }),
        ),
    },
    {
      // The covering anchor is timed by the anchor below the subject, which is here as such.
      name: 'time-of-an-anchor-by-the-one-before',
      make: () =>
        under(
          'LOCKED',
          ofTimed({
            scenario: { withAnchorBefore: false },
            afterwards(ledger, stage) {
              stage.anchor(ledger, stage.raw);
              const { evidenceIndex: index, segment } = stage;
              stage.tell(ledger, stage.raw);
              stage.disclosures.shift();
              if (segment !== null) stage.anchorsBy = { index, segment };
            },
          }),
        ),
    },
  ];
}

/** A grandmaster, and a receiver on the roof with its pulse. */
export const withReceiver: Pick<TimedChoices, 'profile'> = {
  profile: { ...CORPUS_PROFILE, sources: [...CORPUS_PROFILE.sources, RECEIVER_SOURCE] },
};

/** Nothing speaks against the receiver, or no longer. */
export function calmFrames(stage: TimedStage): RawTimeEvidence {
  const frames = [...stage.framesOf(0), ...stage.framesOf(1, {}, {})];
  return { version: 2, frames: frames.toSorted((a, b) => Number(a.rawAfterNs - b.rawAfterNs)) };
}

async function under(minimumTimeLevel: TimeLevel, made: Promise<Exhibit>): Promise<Exhibit> {
  const { bytes, policy } = await made;
  return { bytes, policy: { ...policy, minimumTimeLevel } };
}
