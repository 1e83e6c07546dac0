/**
 * Whether a GNSS source is healthy, and what it then says (SPEC.md §9.5). A message names a second
 * that is over when it comes: it bounds time on one side by nothing and on the other by the longest
 * latency of the line, unless the receiver's pulse says when the second was.
 */
import type { ReceiverAccount, SoundEpoch, TimeBound } from './gnss-integrity.ts';
import { GnssIntegrity } from './gnss-integrity.ts';
import { absolute, floorDivide, largest, smallest } from './integers.ts';
import { listBeginNs } from './leap-seconds.ts';
import { grownNs, PPB } from './segment.ts';
import type { Frames, JudgementContext, SourceJudgement, SourceReading } from './source-reading.ts';
import { leapAmbiguityNs, noteProblems } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';
import type { GnssPins } from './time-source.ts';

const NS_PER_MS = 1_000_000n;

/** Truth is not before any of the first, nor after any of the others. */
interface Bounds {
  readonly lows: readonly TimeBound[];
  readonly highs: readonly TimeBound[];
}

/** Truth at `rawNs` is between the two. */
interface Interval {
  readonly rawNs: bigint;
  readonly lowNs: bigint;
  readonly highNs: bigint;
}

interface Subject {
  readonly account: ReceiverAccount;
  readonly frames: Frames;
  readonly pins: GnssPins;
  readonly context: JudgementContext;
}

/** Judges the frames of one GNSS source. */
export function judgeGnss(
  frames: Frames,
  pins: GnssPins,
  context: JudgementContext,
): SourceJudgement {
  // Our list was made before now, whatever the ledger knows.
  const passedTaiNs = largest([context.passedTaiNs, listBeginNs(context.leap)]);
  const integrity = new GnssIntegrity({ leap: context.leap, passedTaiNs, pins });
  for (const frame of frames) integrity.take(frame);
  const account = integrity.account(context.takenRawNs);
  const subject: Subject = { account, frames, pins, context };
  const { epochs, sky } = account;
  const told = meet(messageBounds(epochs), context);
  const latched = new Set<SourceProblem>([...context.latched, ...account.latched]);
  if (epochs.length > 0 && told === null) latched.add('time-step');
  const problems = new Set<SourceProblem>([
    ...account.problems,
    ...latched,
    ...noteProblems(frames),
    ...problemsOf(subject),
  ]);
  const reading = told === null || problems.size > 0 ? null : read(subject, told);
  if (told !== null && problems.size === 0 && reading === null) problems.add('pulse');
  return { problems, latched, sky, reading };
}

/** Null where the pulses do not fit what the messages tell. */
function read({ account, frames, pins, context }: Subject, told: Interval): SourceReading | null {
  const { epochs } = account;
  const { lows, highs } = messageBounds(epochs);
  const accuracyNs = largest(epochs.map((epoch) => epoch.accuracyNs));
  const pulses = pins.pulse ? pulsesOf(frames) : [];
  const edges = pulses.map((pulse) => edgeOf(pulse, { told, accuracyNs, context }));
  const sound = edges.filter((edge) => edge !== null);
  if (sound.length < edges.length) return null;
  const bounds: Bounds = {
    lows: [...lows, ...sound.map(({ rawNs, lowNs }) => ({ rawNs, taiNs: lowNs }))],
    highs: [...highs, ...sound.map(({ rawNs, highNs }) => ({ rawNs, taiNs: highNs }))],
  };
  const met = meet(bounds, context);
  if (met === null) return null;
  const half = (met.highNs - met.lowNs + 1n) / 2n + leapAmbiguityNs(context, met.lowNs);
  const { oscillator } = context.profile;
  return {
    rawNs: met.rawNs,
    taiNs: met.lowNs + (met.highNs - met.lowNs) / 2n,
    earlyNs: half,
    lateNs: half,
    statisticalNs: half,
    ratePpb: oscillator.nominalPpb,
    statisticalGrowthPpb: oscillator.driftPpbMax,
    adversarialGrowthPpb: oscillator.driftPpbMax,
    locks: pins.pulse || epochs.every(({ isEstimated }) => isEstimated),
  };
}

function problemsOf({ account, frames, pins, context }: Subject): SourceProblem[] {
  const { epochs, namedRawNs } = account;
  const { takenRawNs } = context;
  const { samplesMin, silenceMs, windowMs } = context.profile.limits;
  const times = [...namedRawNs, takenRawNs];
  const silenceNs = BigInt(silenceMs) * NS_PER_MS;
  const firstNs = epochs[0]?.earliest.rawNs ?? takenRawNs;
  const found: Partial<Record<SourceProblem, boolean>> = {
    silent: times.some((time, i) => time - (times[i - 1] ?? time) > silenceNs),
    'too-few-readings': epochs.length < samplesMin,
    'too-short': takenRawNs - firstNs < BigInt(windowMs) * NS_PER_MS,
    accuracy: epochs.some(({ accuracyNs }) => accuracyNs >= PPB / 2n),
    pulse: pins.pulse && pulsesOf(frames).length < samplesMin,
  };
  return Object.entries(found).flatMap(([problem, isFound]) =>
    isFound ? [problem as SourceProblem] : [],
  );
}

function pulsesOf(frames: Frames): Frames {
  return frames.filter(({ kind }) => kind === 'pps');
}

function messageBounds(epochs: readonly SoundEpoch[]): Bounds {
  return {
    lows: epochs.map(({ earliest }) => earliest),
    highs: epochs.map(({ latest }) => latest),
  };
}

/** A pulse marks the one second that the messages leave; null where they leave none or two. */
function edgeOf(
  { rawBeforeNs, rawAfterNs }: { readonly rawBeforeNs: bigint; readonly rawAfterNs: bigint },
  {
    told,
    accuracyNs,
    context,
  }: Pick<Subject, 'context'> & {
    readonly told: Interval;
    readonly accuracyNs: bigint;
  },
): Interval | null {
  const { nominalPpb, driftPpbMax } = context.profile.oscillator;
  const elapsedNs = rawAfterNs - told.rawNs;
  const aheadNs = elapsedNs + floorDivide(elapsedNs * nominalPpb, PPB);
  const grown = grownNs(absolute(elapsedNs), driftPpbMax);
  const high = told.highNs + aheadNs + grown;
  const second = -floorDivide(-(told.lowNs + aheadNs - grown), PPB) * PPB;
  if (second > high || second + PPB <= high) return null;
  const widthNs = rawAfterNs - rawBeforeNs;
  return { rawNs: rawAfterNs, lowNs: second - accuracyNs, highNs: second + accuracyNs + widthNs };
}

/** What all bounds leave at the last of their times; null where they leave nothing. */
function meet({ lows, highs }: Bounds, { profile }: JudgementContext): Interval | null {
  if (lows.length === 0) return null;
  const { nominalPpb, driftPpbMax } = profile.oscillator;
  const rawNs = largest([...lows, ...highs].map((bound) => bound.rawNs));
  const moved = (bound: TimeBound, sign: 1n | -1n): bigint => {
    const elapsedNs = rawNs - bound.rawNs;
    const aheadNs = elapsedNs + floorDivide(elapsedNs * nominalPpb, PPB);
    return bound.taiNs + aheadNs + sign * grownNs(elapsedNs, driftPpbMax);
  };
  const lowNs = largest(lows.map((bound) => moved(bound, -1n)));
  const highNs = smallest(highs.map((bound) => moved(bound, 1n) + 1n));
  return lowNs <= highNs ? { rawNs, lowNs, highNs } : null;
}
