/**
 * Whether a GNSS source is healthy, and what it then says (SPEC.md §9.5). A message names a second
 * that is over when it comes: it bounds time on one side by nothing and on the other by the longest
 * latency of the line, unless the receiver's pulse says when the second was.
 */
import { floorDivide, largest, smallest } from './integers.ts';
import type { Epoch } from './gnss-view.ts';
import { GnssView } from './gnss-view.ts';
import { grownNs, PPB } from './segment.ts';
import type { Frames, JudgementContext, SourceJudgement, SourceReading } from './source-reading.ts';
import { leapAmbiguityNs, noteProblems } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';
import type { GnssPins } from './time-source.ts';
import { equalBytes } from '../bytes.ts';

const NS_PER_MS = 1_000_000n;
/** Of one sigma, which a receiver tells, to what is held to bound it. */
const DEVIATIONS = 4n;
/** GPS time is behind TAI by so many seconds, for ever. */
const TAI_MINUS_GPS_SECONDS = 19;
const METRES_PER_DEGREE = 111_320;
const E7 = 10_000_000;
const DAY_SECONDS = 86_400;
/** A list of leap seconds comes out less than a year before it ends, and is used for some. */
const LIST_DAYS_BEFORE = 366;
const LIST_DAYS_AFTER = 3_660;
const SPOOFING_SUSPECTED = 2;
const JAMMING_SUSPECTED = 2;
/** UBX fix types with satellites alone: 2D, 3D, time only. */
const FIX_TYPES: ReadonlySet<number> = new Set([2, 3, 5]);

/** Truth at `rawNs` is between the two. */
interface Bounds {
  readonly rawNs: bigint;
  readonly lowNs: bigint;
  readonly highNs: bigint;
}

interface Subject {
  readonly view: GnssView;
  readonly pins: GnssPins;
  readonly context: JudgementContext;
}

/** Judges the frames of one GNSS source. */
export function judgeGnss(
  frames: Frames,
  pins: GnssPins,
  context: JudgementContext,
): SourceJudgement {
  const view = new GnssView(frames, context.taiMinusUtcSeconds);
  const subject: Subject = { view, pins, context };
  const problems: SourceProblem[] = [...view.problems, ...noteProblems(frames)];
  for (const [problem, isPresent] of Object.entries(CHECKS)) {
    if (isPresent(subject)) problems.push(problem as SourceProblem);
  }
  if (problems.length > 0) return { problems, reading: null };
  return read(subject);
}

function read({ view, pins, context }: Subject): SourceJudgement {
  const messages = view.epochs.map((epoch) => boundsOf(epoch, pins));
  const told = meet(messages, context);
  if (told === null) return { problems: ['accuracy'], reading: null };
  const accuracyNs = largest(view.epochs.map((epoch) => accuracyOf(epoch, pins)));
  const pulses = pins.pulse ? view.pulses.map((pulse) => edgeOf(pulse, told, accuracyNs)) : [];
  const edges = pulses.filter((edge) => edge !== null);
  if (edges.length < pulses.length) return { problems: ['pulse'], reading: null };
  const met = meet([...messages, ...edges], context);
  if (met === null) return { problems: ['pulse'], reading: null };
  const unsureNs = leapAmbiguityNs(context, met.lowNs);
  const half = (met.highNs - met.lowNs + 1n) / 2n + unsureNs;
  const { oscillator } = context.profile;
  const reading: SourceReading = {
    rawNs: met.rawNs,
    taiNs: met.lowNs + (met.highNs - met.lowNs) / 2n,
    earlyNs: half,
    lateNs: half,
    statisticalNs: half,
    ratePpb: oscillator.nominalPpb,
    statisticalGrowthPpb: oscillator.driftPpbMax,
    adversarialGrowthPpb: oscillator.driftPpbMax,
    locks: pins.pulse || view.epochs.every((epoch) => epoch.accuracyNs !== null),
  };
  return { problems: [], reading };
}

const CHECKS = {
  silent({ view, context }) {
    const silenceNs = BigInt(context.profile.limits.silenceMs) * NS_PER_MS;
    const times = [...view.epochs.map(({ rawAfterNs }) => rawAfterNs), context.takenRawNs];
    return times.some((time, i) => time - (times[i - 1] ?? time) > silenceNs);
  },
  'too-few-readings': ({ view, context }) => view.epochs.length < context.profile.limits.samplesMin,
  'too-short': ({ view, context }) => {
    const first = view.epochs[0]?.rawBeforeNs ?? context.takenRawNs;
    return context.takenRawNs - first < BigInt(context.profile.limits.windowMs) * NS_PER_MS;
  },
  identity: ({ view: { receiverIds }, pins: { receiverId } }) =>
    receiverId !== null &&
    (receiverIds.length === 0 || receiverIds.some((id) => !equalBytes(id, receiverId))),
  'no-fix': ({ view, pins }) =>
    view.epochs.some(({ hasFix }) => !hasFix) ||
    view.fixTypes.some((type) => !FIX_TYPES.has(type)) ||
    view.satellites.some((count) => count < pins.satellitesMin),
  simulated: ({ view }) => view.isSimulated,
  spoofing: ({ view }) => view.spoofingStates.some((state) => state >= SPOOFING_SUSPECTED),
  jamming: ({ view }) => view.jammingStates.some((state) => state >= JAMMING_SUSPECTED),
  position: ({ view, pins: { survey } }) =>
    survey !== null &&
    view.positions.some(
      ({ latitudeE7, longitudeE7 }) =>
        isFar(latitudeE7 - survey.latitudeE7, survey.radiusMetres) ||
        isFar(longitudeE7 - survey.longitudeE7, survey.radiusMetres),
    ),
  'utc-offset': ({ view, context }) =>
    view.gpsMinusUtcSeconds.some(
      (seconds) => seconds + TAI_MINUS_GPS_SECONDS !== context.taiMinusUtcSeconds,
    ),
  'leap-announced': ({ view }) => view.isLeapAnnounced,
  date: ({ view, context: { leapListExpiryUnixSeconds } }) =>
    view.epochs.some(({ unixSeconds }) => {
      const days = (unixSeconds - leapListExpiryUnixSeconds) / DAY_SECONDS;
      return days < -LIST_DAYS_BEFORE || days > LIST_DAYS_AFTER;
    }),
  accuracy: ({ view, pins }) => view.epochs.some((epoch) => accuracyOf(epoch, pins) >= PPB / 2n),
  pulse: ({ view, pins, context }) =>
    pins.pulse && view.pulses.length < context.profile.limits.samplesMin,
} satisfies Partial<Record<SourceProblem, (subject: Subject) => boolean>>;

function accuracyOf({ accuracyNs }: Epoch, pins: GnssPins): bigint {
  return accuracyNs === null ? pins.accuracyNs : DEVIATIONS * accuracyNs;
}

/** A message about `taiNs` came between the two raw times, at most the latency after it. */
function boundsOf(epoch: Epoch, pins: GnssPins): Bounds {
  const accuracyNs = accuracyOf(epoch, pins);
  const widthNs = epoch.rawAfterNs - epoch.rawBeforeNs;
  return {
    rawNs: epoch.rawAfterNs,
    lowNs: epoch.taiNs - accuracyNs,
    highNs: epoch.taiNs + accuracyNs + pins.latencyMaxNs + widthNs,
  };
}

/** A pulse marks the one second that the messages leave; null where they leave none or two. */
function edgeOf(
  { rawBeforeNs, rawAfterNs }: { readonly rawBeforeNs: bigint; readonly rawAfterNs: bigint },
  told: Bounds,
  accuracyNs: bigint,
): Bounds | null {
  const widthNs = rawAfterNs - rawBeforeNs;
  const elapsedNs = rawAfterNs - told.rawNs;
  const low = told.lowNs + elapsedNs;
  const high = told.highNs + elapsedNs;
  const second = -floorDivide(-low, PPB) * PPB;
  if (second > high || second + PPB <= high) return null;
  return { rawNs: rawAfterNs, lowNs: second - accuracyNs, highNs: second + accuracyNs + widthNs };
}

/** What all bounds leave at the last of their times; null where they leave nothing. */
function meet(bounds: readonly Bounds[], { profile }: JudgementContext): Bounds | null {
  const { nominalPpb, driftPpbMax } = profile.oscillator;
  const rawNs = largest(bounds.map((each) => each.rawNs));
  const moved = bounds.map((each) => {
    const elapsedNs = rawNs - each.rawNs;
    const aheadNs = elapsedNs + floorDivide(elapsedNs * nominalPpb, PPB);
    const grown = grownNs(elapsedNs, driftPpbMax);
    return { lowNs: each.lowNs + aheadNs - grown, highNs: each.highNs + aheadNs + 1n + grown };
  });
  const lowNs = largest(moved.map((each) => each.lowNs));
  const highNs = smallest(moved.map((each) => each.highNs));
  return lowNs <= highNs ? { rawNs, lowNs, highNs } : null;
}

/** Degrees of longitude are counted as on the equator: an antenna seems to have moved further. */
function isFar(differenceE7: number, radiusMetres: number): boolean {
  return Math.abs(differenceE7) * METRES_PER_DEGREE > radiusMetres * E7;
}
