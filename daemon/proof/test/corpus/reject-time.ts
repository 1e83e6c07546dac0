/** Times that their evidence does not give, and evidence that its sources did not. */
import type { EntryTime } from '../../src/entry.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import { seed } from './keys.ts';
import { operatorKey } from './operators.ts';
import type { RejectCase } from './reject-case.ts';
import { invalid, unverifiable } from './reject-case.ts';
import { calmFrames, withReceiver } from './accept-time.ts';
import type { TimedChoices, TimedStage } from './timed.ts';
import { CORPUS_PROFILE, heldOverAfter, ofTimed } from './timed.ts';
import type { RawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
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
    ...chainCases(),
    invalid('leap-second-that-never-was', 'when.leap-seconds', () =>
      ofTimed({ leap: { ...LEAP_TABLE, steps: LEAP_TABLE.steps.slice(0, -1) }, ...alone }),
    ),
    invalid('time-evidence-that-goes-on-across-a-suspend', 'when.base', () =>
      ofTimed({ afterwards: heldOverAfter(60_000_000_000n) }),
    ),
    invalid('time-of-another-boot', 'when.segment', () =>
      ofTimed({
        ...alone,
        flaws: anotherBoot,
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

/** Evidence that goes on from what it may not, or leaves out what came before it. */
function chainCases(): RejectCase[] {
  return [
    invalid('latch-that-was-dropped', 'when.evidence', () =>
      ofTimed({
        ...withReceiver,
        isForgetful: true,
        script: { spoofing: 3 },
        afterwards: (ledger, stage) => stage.tell(ledger, calmFrames(stage)),
      }),
    ),
    invalid('evidence-left-out', 'when.latches', () =>
      ofTimed({
        afterwards(ledger, stage) {
          stage.prior = null;
          stage.tell(ledger, lostFrames(stage), stage.segment);
        },
      }),
    ),
    invalid('latches-of-another-profile', 'when.latches', () =>
      ofTimed({ afterwards: (ledger, stage) => stage.begin(ledger) }),
    ),
    invalid('holdover-from-no-lock', 'when.base', () =>
      ofTimed({
        profile: { ...CORPUS_PROFILE, limits: { ...CORPUS_PROFILE.limits, widthMaxNs: 1n } },
        afterwards: (ledger, stage) => stage.tell(ledger, lostFrames(stage), stage.segment),
      }),
    ),
    invalid('holdover-from-another-boot', 'when.base', () =>
      ofTimed({
        ...alone,
        flaws: anotherBoot,
        afterwards(ledger, stage) {
          ledger.boot();
          stage.tell(ledger, lostFrames(stage), stage.segment);
        },
      }),
    ),
  ];
}

/** The grandmaster is gone. */
function lostFrames(stage: TimedStage): RawTimeEvidence {
  const frames = stage.framesOf(0, { state: () => ({ portState: 4, ingressNs: 0n }) });
  return { version: 2, frames };
}

/** Without an anchor before, whose reading would contradict it too. */
const alone: Pick<TimedChoices, 'scenario'> = { scenario: { withAnchorBefore: false } };

/** Every run of the daemon but the first is in another boot of the kernel. */
const anotherBoot: NonNullable<TimedChoices['flaws']> = {
  entry(entry, index) {
    if (entry.kind !== 'boot' || index === 1n) return entry;
    return { ...entry, kernelBootId: seed('another kernel boot').subarray(0, 16) };
  },
};

function onSegment(
  change: (segment: SourcedTimeEvidence['segment']) => Partial<SourcedTimeEvidence['segment']>,
): NonNullable<TimedChoices['evidence']> {
  return (told) => ({ ...told, segment: { ...told.segment, ...change(told.segment) } });
}

function onTimed(change: (time: EntryTime) => Partial<EntryTime>): Pick<TimedChoices, 'entry'> {
  return { entry: (entry) => ({ ...entry, time: { ...entry.time, ...change(entry.time) } }) };
}
