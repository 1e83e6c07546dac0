/** Times that their evidence does not give, and evidence that its sources did not. */
import type { EntryTime } from '../../src/entry.ts';
import { seed } from './keys.ts';
import { operatorKey } from './operators.ts';
import type { RejectCase } from './reject-case.ts';
import { invalid, unverifiable } from './reject-case.ts';
import type { TimedChoices } from './timed.ts';
import { heldOverAfter, ofTimed } from './timed.ts';
import type { SourcedTimeEvidence } from '../../src/time/sourced-evidence.ts';

export function sourcedTimeCases(): RejectCase[] {
  return [
    invalid('time-profile-ordered-by-nobody', 'when.profile', () =>
      ofTimed({ key: operatorKey('mallory', 'ssh-ed25519') }),
    ),
    invalid('time-profile-that-had-expired', 'when.profile', () =>
      ofTimed({ order: { expiryTaiNs: 1n } }),
    ),
    invalid('time-profile-to-another-ledger', 'when.profile', () =>
      ofTimed({ order: { ledgerId: seed('another ledger') } }),
    ),
    invalid('time-evidence-that-claims-more', 'when.evidence', () =>
      ofTimed({
        evidence: onSegment(({ adversarialNs }) => ({ adversarialNs: (adversarialNs ?? 0n) / 2n })),
      }),
    ),
    invalid('time-evidence-that-was-moved', 'when.evidence', () =>
      ofTimed({
        evidence: onSegment(({ baseTaiNs }) => ({ baseTaiNs: baseTaiNs + 100_000n })),
      }),
    ),
    invalid('time-evidence-of-a-level-too-high', 'when.evidence', () =>
      ofTimed({ evidence: onSegment(() => ({ level: 'ATTESTED' })) }),
    ),
    invalid('time-evidence-of-a-healthier-source', 'when.evidence', () =>
      ofTimed({
        world: { state: () => ({ clockClass: 7 }) },
        evidence: (told) => ({
          ...told,
          verdicts: told.verdicts.map((verdict) => ({ ...verdict, problems: [] })),
        }),
      }),
    ),
    invalid('time-evidence-of-other-frames', 'when.evidence', () =>
      ofTimed({ evidence: (told) => ({ ...told, rawHash: seed('other frames') }) }),
    ),
    unverifiable('time-evidence-without-its-frames', 'when.evidence', () =>
      ofTimed({ isDisclosed: false }),
    ),
    unverifiable('time-evidence-by-another-formula', 'when.evidence', () =>
      ofTimed({
        evidence: (told) => ({ ...told, adversarialFormula: 'kudurru/adversarial/2' }),
      }),
    ),
    invalid('leap-second-that-never-was', 'when.leap-seconds', () =>
      ofTimed({ taiMinusUtcSeconds: 36, ...alone }),
    ),
    invalid('time-evidence-that-goes-on-across-a-suspend', 'when.evidence', () =>
      ofTimed({ afterwards: heldOverAfter(60_000_000_000n) }),
    ),
    invalid('time-of-another-boot', 'when.segment', () =>
      ofTimed({
        ...alone,
        flaws: {
          entry(entry, index) {
            if (entry.kind !== 'boot' || index === 1n) return entry;
            return { ...entry, kernelBootId: seed('another kernel boot').subarray(0, 16) };
          },
        },
        afterwards: (ledger) => ledger.boot(),
      }),
    ),
    invalid('window-narrower-than-its-evidence', 'when.windows', () =>
      ofTimed(onTimed(({ adversarialNs }) => ({ adversarialNs: (adversarialNs ?? 0n) - 1n }))),
    ),
    invalid('statistical-window-left-out', 'when.windows', () =>
      ofTimed(onTimed(() => ({ statisticalNs: null }))),
    ),
    invalid('level-above-its-evidence', 'when.ladder', () =>
      ofTimed(onTimed(() => ({ level: 'ATTESTED' }))),
    ),
  ];
}

/** Without an anchor before, whose reading would contradict it too. */
const alone: Pick<TimedChoices, 'scenario'> = { scenario: { withAnchorBefore: false } };

function onSegment(
  change: (segment: SourcedTimeEvidence['segment']) => Partial<SourcedTimeEvidence['segment']>,
): NonNullable<TimedChoices['evidence']> {
  return (told) => ({ ...told, segment: { ...told.segment, ...change(told.segment) } });
}

function onTimed(change: (time: EntryTime) => Partial<EntryTime>): Pick<TimedChoices, 'entry'> {
  return { entry: (entry) => ({ ...entry, time: { ...entry.time, ...change(entry.time) } }) };
}
