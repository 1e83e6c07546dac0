/**
 * From the raw part of time evidence to verdicts, segment, windows and level (SPEC.md §9.5, §9.6).
 * The daemon decides by this function and a verifier repeats it: same frames, same profile, same
 * numbers.
 */
import { TIME_LEVELS } from '../entry-fields.ts';
import { NS_MAX } from '../schema.ts';
import { sha256 } from '../sha256.ts';
import type { LeapSeconds } from '../tai.ts';
import type { Agreement, Claim } from './agreement.ts';
import { agree } from './agreement.ts';
import { absolute, largest, smallest } from './integers.ts';
import { instantsOf, leapExcerpt } from './leap-seconds.ts';
import { levelOf } from './level.ts';
import type { RawTimeEvidence } from './raw-time-evidence.ts';
import { encodeRawTimeEvidence } from './raw-time-evidence.ts';
import type { Segment } from './segment.ts';
import { affineTai, readingAt, weakerLevel } from './segment.ts';
import { judgeGnss } from './source-gnss.ts';
import { judgePtp } from './source-ptp.ts';
import type { Frames, JudgementContext, SourceJudgement, SourceReading } from './source-reading.ts';
import { movedTo } from './source-reading.ts';
import type { SourceState } from './source-verdict.ts';
import { inOrder, SOURCE_PROBLEMS } from './source-verdict.ts';
import type { EvidenceCause } from './evidence-cause.ts';
import { judgeSystemClock } from './source-system-clock.ts';
import type { SourcedTimeEvidence, SourceVerdict } from './sourced-evidence.ts';
import type { TimeProfile } from './time-profile.ts';
import type { TimeSource } from './time-source.ts';
import { ADVERSARIAL_FORMULA, STATISTICAL_FORMULA } from './window.ts';

const NS_PER_MS = 1_000_000n;
const LOCKED = TIME_LEVELS.indexOf('LOCKED');

export interface TimeEvidenceInput {
  readonly profile: TimeProfile;
  readonly raw: RawTimeEvidence;
  /** Our own list; its last steps are told. */
  readonly leap: LeapSeconds;
  /**
   * The segment of the last evidence that locked, of the same boot of the kernel; null without one.
   */
  readonly base: Segment | null;
  /** The evidence before it, under the same profile; null for the first. */
  readonly prior: PriorEvidence | null;
  /** Whether the evidence is an anchor's, and so between two attestations of the TPM. */
  readonly isInAnchor: boolean;
}

/** Of evidence, what the next goes on from. */
export interface PriorEvidence {
  readonly passedTaiNs: bigint;
  /** Of each source, in the profile's order. */
  readonly verdicts: readonly Pick<SourceVerdict, 'latched'>[];
}

export interface TimeComputation {
  readonly takenRawNs: bigint;
  readonly segment: Segment;
  readonly verdicts: readonly SourceVerdict[];
  readonly groups: number;
  readonly liars: number;
  /** Whether `base` made a difference; the evidence then names the entry that it is of. */
  readonly usesBase: boolean;
  readonly passedTaiNs: bigint;
}

interface Candidate {
  readonly source: number;
  readonly group: string;
  readonly reading: SourceReading;
}

export function recompute(told: TimeEvidenceInput): TimeComputation {
  const input = { ...told, leap: leapExcerpt(told.leap) };
  const { raw, prior } = input;
  const takenRawNs = raw.frames.at(-1)?.rawAfterNs ?? 0n;
  const passedTaiNs = prior?.passedTaiNs ?? 0n;
  const found = compute(input, { ...input, takenRawNs, passedTaiNs });
  const computed = { ...found, segment: inRange(found.segment) };
  return { ...computed, passedTaiNs: largest([passedTaiNs, earliestOf(computed)]) };
}

/** What frames can say is more than evidence can hold: beyond it there is no truth to be had. */
function inRange(segment: Segment): Segment {
  const held = (ns: bigint): bigint => smallest([largest([ns, 0n]), NS_MAX]);
  const { statisticalNs, adversarialNs } = segment;
  return {
    ...segment,
    baseTaiNs: held(segment.baseTaiNs),
    statisticalNs: statisticalNs === null ? null : held(statisticalNs),
    adversarialNs: adversarialNs === null ? null : held(adversarialNs),
    lockedUntilRawNs: held(segment.lockedUntilRawNs),
    holdoverUntilRawNs: held(segment.holdoverUntilRawNs),
  };
}

type Computed = Omit<TimeComputation, 'passedTaiNs'>;

/** TAI that a lock shows to have passed; what is no lock shows nothing. */
function earliestOf({ segment, takenRawNs }: Computed): bigint {
  const { adversarialNs, level } = segment;
  if (adversarialNs === null || TIME_LEVELS.indexOf(level) < LOCKED) return 0n;
  return affineTai(segment, takenRawNs) - adversarialNs;
}

function compute(input: TimeEvidenceInput, context: Omit<JudgementContext, 'latched'>): Computed {
  const { profile, raw, base, prior } = input;
  const { takenRawNs } = context;
  const own = usable(base);
  const judgements = profile.sources.map((source, place) => {
    const frames = raw.frames.filter((frame) => frame.source === place);
    const { latched = [] } = prior?.verdicts[place] ?? {};
    const judgement = judge(source, frames, { ...context, latched });
    // Without a clock of our own to contradict it, what has passed is all that can.
    return own === null ? sinceWhatPassed(judgement, context) : judgement;
  });
  const candidates = judgements.flatMap(({ reading }, source) =>
    reading === null
      ? []
      : [{ source, group: groupOf(profile, source), reading: movedTo(reading, takenRawNs) }],
  );
  if (candidates.length === 0) {
    const segment = own === null ? unknownSegment(input) : heldOver(own);
    return {
      takenRawNs,
      segment,
      verdicts: verdictsOf(profile, judgements, null),
      ...{ groups: 0, liars: 0, usesBase: own !== null },
    };
  }
  const agreement = agree(candidates.map(claimOf));
  return settle(input, { takenRawNs, judgements, candidates, agreement, own });
}

function sinceWhatPassed(
  judgement: SourceJudgement,
  { passedTaiNs, takenRawNs }: Pick<JudgementContext, 'passedTaiNs' | 'takenRawNs'>,
): SourceJudgement {
  const { reading, problems } = judgement;
  if (reading === null) return judgement;
  const { taiNs, lateNs } = movedTo(reading, takenRawNs);
  if (taiNs + lateNs >= passedTaiNs) return judgement;
  return { ...judgement, problems: new Set([...problems, 'date']), reading: null };
}

/** What `settle` goes by. */
interface Findings {
  readonly takenRawNs: bigint;
  readonly judgements: readonly SourceJudgement[];
  readonly candidates: readonly Candidate[];
  readonly agreement: Agreement;
  readonly own: Segment | null;
}

function settle(input: TimeEvidenceInput, findings: Findings): Computed {
  const { profile, isInAnchor } = input;
  const { takenRawNs, judgements, candidates, agreement, own } = findings;
  const agreeing = candidates.filter(({ source }) => !agreement.outvoted.includes(source));
  const locked = lockedSegment(agreeing, { profile, takenRawNs, agreement });
  // So wide a window is no lock: the own clock, which it cannot contradict, knows better.
  const isNarrow = (locked.adversarialNs ?? 0n) <= profile.limits.widthMaxNs;
  const locks = isNarrow && agreeing.some(({ reading }) => reading.locks);
  // One voice against the own clock's is a dispute as between any two; several outvote it.
  const isContradicted = own !== null && agreement.groups < 2 && !meets(own, takenRawNs, agreement);
  const isDisputed = agreement.state === 'disputed' || isContradicted;
  const usesBase = own !== null && (isDisputed || !locks);
  const level = levelOf({
    state: isDisputed ? 'disputed' : 'agreed',
    groups: agreement.groups,
    ...{ locks, isInAnchor, hasBase: own !== null },
  });
  const found = usesBase ? wideEnough(own, takenRawNs, isDisputed ? agreement : null) : locked;
  return {
    takenRawNs,
    segment: { ...found, level: usesBase ? weakerLevel(found.level, level) : level },
    verdicts: verdictsOf(profile, judgements, { agreement, isDisputed }),
    groups: isDisputed ? 0 : agreement.groups,
    liars: isDisputed ? 0 : agreement.liars,
    usesBase,
  };
}

/** The public part of evidence, computed. `baseEvidenceIndex` is of the entry that `base` is of. */
export function makeTimeEvidence(
  input: TimeEvidenceInput,
  told: {
    readonly cause: EvidenceCause;
    readonly profileIndex: bigint;
    readonly baseEvidenceIndex: bigint | null;
    readonly priorEvidenceIndex: bigint | null;
  },
): SourcedTimeEvidence {
  const { usesBase, ...computed } = recompute(input);
  return {
    version: 2,
    ...computed,
    cause: told.cause,
    profileIndex: told.profileIndex,
    statisticalFormula: STATISTICAL_FORMULA,
    adversarialFormula: ADVERSARIAL_FORMULA,
    leapSeconds: leapExcerpt(input.leap),
    rawHash: sha256(encodeRawTimeEvidence(input.raw)),
    baseEvidenceIndex: usesBase ? told.baseEvidenceIndex : null,
    priorEvidenceIndex: told.priorEvidenceIndex,
  };
}

function judge(source: TimeSource, frames: Frames, context: JudgementContext): SourceJudgement {
  if (source.kind === 'ptp') return judgePtp(frames, source.pins, context);
  if (source.kind === 'gnss') return judgeGnss(frames, source.pins, context);
  return judgeSystemClock(frames, context);
}

function verdictsOf(
  { sources }: TimeProfile,
  judgements: readonly SourceJudgement[],
  outcome: { readonly agreement: Agreement; readonly isDisputed: boolean } | null,
): SourceVerdict[] {
  return judgements.map(({ problems, latched, sky, reading }, source) => {
    const stateOf = (): SourceState => {
      if (sources[source]?.kind === 'system-clock') return 'observed';
      if (reading === null || outcome === null) return 'unhealthy';
      if (outcome.isDisputed) return 'disputing';
      return outcome.agreement.outvoted.includes(source) ? 'outvoted' : 'healthy';
    };
    return {
      source,
      state: stateOf(),
      problems: inOrder(SOURCE_PROBLEMS, problems),
      latched: inOrder(SOURCE_PROBLEMS, latched),
      sky,
    };
  });
}

function groupOf({ sources }: TimeProfile, source: number): string {
  return sources[source]?.group ?? '';
}

function claimOf({ source, group, reading }: Candidate): Claim {
  const { taiNs, earlyNs, lateNs } = reading;
  return { source, group, lowNs: taiNs - earlyNs, highNs: taiNs + lateNs };
}

/** A base without a bound on its error is none. */
function usable(base: Segment | null): Segment | null {
  return base === null || base.adversarialNs === null ? null : base;
}

/** Whether the own clock's interval has a point in common with what the sources leave. */
function meets(own: Segment, rawNs: bigint, { lowNs, highNs }: Agreement): boolean {
  const taiNs = affineTai(own, rawNs);
  const half = readingAt(own, rawNs, taiNs).adversarialNs ?? 0n;
  return taiNs - half <= highNs && taiNs + half >= lowNs;
}

function heldOver(own: Segment): Segment {
  return { ...own, level: weakerLevel(own.level, 'HOLDOVER') };
}

/** The own clock, going on; under a dispute as wide as every claim that somebody healthy makes. */
function wideEnough(own: Segment, rawNs: bigint, dispute: Agreement | null): Segment {
  const held = heldOver(own);
  if (dispute === null) return held;
  const taiNs = affineTai(own, rawNs);
  const { statisticalNs, adversarialNs } = readingAt(own, rawNs, taiNs);
  const reach = largest([absolute(taiNs - dispute.lowNs), absolute(dispute.highNs - taiNs)]);
  return {
    ...held,
    baseRawNs: rawNs,
    baseTaiNs: taiNs,
    statisticalNs,
    adversarialNs: largest([adversarialNs ?? 0n, reach]),
  };
}

function lockedSegment(
  agreeing: readonly Candidate[],
  {
    profile,
    takenRawNs,
    agreement,
  }: Pick<Findings, 'takenRawNs' | 'agreement'> & {
    readonly profile: TimeProfile;
  },
): Segment {
  const { lockMs, holdoverMs, widthMaxNs } = profile.limits;
  const finest = smallest(agreeing.map(({ reading }) => reading.statisticalNs));
  const best = agreeing.find(({ reading }) => reading.statisticalNs === finest);
  if (best === undefined) throw new RangeError('a lock needs a source');
  const { reading } = best;
  const { lowNs, highNs } = agreement;
  const baseTaiNs = smallest([largest([reading.taiNs, lowNs]), highNs]);
  return {
    baseRawNs: takenRawNs,
    baseTaiNs,
    ratePpb: reading.ratePpb,
    statisticalNs: reading.statisticalNs + absolute(baseTaiNs - reading.taiNs),
    adversarialNs: largest([baseTaiNs - lowNs, highNs - baseTaiNs]),
    statisticalGrowthPpb: reading.statisticalGrowthPpb,
    adversarialGrowthPpb: reading.adversarialGrowthPpb,
    level: 'UNKNOWN',
    lockedUntilRawNs: takenRawNs + BigInt(lockMs) * NS_PER_MS,
    holdoverUntilRawNs: takenRawNs + BigInt(holdoverMs) * NS_PER_MS,
    widthMaxNs,
  };
}

/** The system's clock, about which nothing is known. */
function unknownSegment({ profile, raw, leap }: TimeEvidenceInput): Segment {
  const last = raw.frames.findLast(
    ({ kind, clockNs }) => clockNs !== null && kind !== 'phc-bracket',
  );
  const rawNs = last?.rawAfterNs ?? 0n;
  return {
    baseRawNs: rawNs,
    baseTaiNs: instantsOf(last?.clockNs ?? 0n, leap)[0],
    ratePpb: 0n,
    statisticalNs: null,
    adversarialNs: null,
    statisticalGrowthPpb: 0n,
    adversarialGrowthPpb: 0n,
    level: 'UNKNOWN',
    lockedUntilRawNs: rawNs,
    holdoverUntilRawNs: rawNs,
    widthMaxNs: profile.limits.widthMaxNs,
  };
}
