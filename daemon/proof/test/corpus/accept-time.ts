/** Times by evidence of named sources that must be VALID. */
import type { TimeLevel } from '../../src/entry-fields.ts';
import type { Exhibit } from './scenario.ts';
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

async function under(minimumTimeLevel: TimeLevel, made: Promise<Exhibit>): Promise<Exhibit> {
  const { bytes, policy } = await made;
  return { bytes, policy: { ...policy, minimumTimeLevel } };
}
