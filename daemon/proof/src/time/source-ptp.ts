/**
 * Whether a PTP source is healthy, and what it then says (SPEC.md §9.5). What ptp4l announces is
 * stale when the grandmaster is gone: only the port's state and the ingress time of syncs tell.
 */
import { encodeHex } from '../bytes.ts';
import type { ClockReading } from './clock-line.ts';
import { fitLine, isSteady, lineAt } from './clock-line.ts';
import type { ClockLine } from './clock-line.ts';
import { absolute, largest } from './integers.ts';
import {
  instantNextTo,
  isListedToday,
  isOffsetAbout,
  offsetAt,
  taiOfReadings,
} from './leap-seconds.ts';
import { accuracyOf } from './ptp-accuracy.ts';
import { PtpView } from './ptp-view.ts';
import type { TimeFrame } from './raw-time-evidence.ts';
import { PPB } from './segment.ts';
import { leapAmbiguityNs, noteProblems } from './source-reading.ts';
import type { Frames, JudgementContext, SourceJudgement, SourceReading } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';
import type { PtpPins } from './time-source.ts';
import { SEGMENT_RATE_PPB_MAX } from './sourced-evidence.ts';
import { adversarialWindow, statisticalWindow } from './window.ts';

const NS_PER_MS = 1_000_000n;
/** A PTP TimeInterval is in 2^-16 ns. */
const SCALE_BITS = 16n;

/** What is looked at, once. */
interface Subject {
  readonly view: PtpView;
  readonly pins: PtpPins;
  readonly context: JudgementContext;
  /** Of the disciplined clock, in TAI. */
  readonly clock: readonly ClockReading[];
  /** Of each TIME_STATUS_NP: when the sync came that it is of, in TAI. */
  readonly ingressTaiNs: readonly bigint[];
  /** Whether one TIME_PROPERTIES_DATA_SET told the TAI−UTC of its own moment. */
  readonly isOffsetTold: boolean;
  readonly offsetsNs: readonly bigint[];
  readonly delaysNs: readonly bigint[];
}

/** Judges the frames of one PTP source. */
export function judgePtp(
  frames: Frames,
  pins: PtpPins,
  context: JudgementContext,
): SourceJudgement {
  const view = new PtpView(frames, pins);
  const problems = new Set<SourceProblem>([...view.problems, ...noteProblems(frames)]);
  const clock = clockReadings(frames, pins, context);
  if (view.timeStatus.length === 0) return unhealthy([...problems, 'silent']);
  const subject: Subject = {
    ...{ view, pins, context, clock },
    ingressTaiNs: view.timeStatus.map(({ frame, set }) => {
      return ingressOf(set.ingressTimeNs, frame, { pins, context, clock });
    }),
    isOffsetTold: view.timeProperties.some(({ frame, set }) => {
      return set.currentUtcOffset === offsetAt(taiAbout(frame, clock), context.leap);
    }),
    offsetsNs: view.timeStatus.map(({ set }) => set.masterOffsetNs),
    delaysNs: view.current.map(({ set }) => ceilScaled(set.meanPathDelayScaledNs)),
  };
  for (const [problem, isPresent] of Object.entries(CHECKS)) {
    if (isPresent(subject)) problems.add(problem as SourceProblem);
  }
  if (problems.size > 0 || clock.length < 2) return unhealthy([...problems]);
  return read(subject);
}

function unhealthy(problems: readonly SourceProblem[]): SourceJudgement {
  const found = new Set(problems.length === 0 ? ['too-few-readings' as const] : problems);
  return { problems: found, latched: new Set(), sky: null, reading: null };
}

function read(subject: Subject): SourceJudgement {
  const { view, pins, context, clock, offsetsNs, delaysNs } = subject;
  const { nominalPpb, driftPpbMax, wanderPpb } = context.profile.oscillator;
  const line = fitLine(clock, BigInt(SEGMENT_RATE_PPB_MAX));
  if (isRateBeyond(line, clock, context)) return unhealthy(['rate']);
  const growthPpb = driftPpbMax + absolute(line.ratePpb - nominalPpb);
  const worst = largest(view.parent.map(({ set }) => accuracyOfSet(set)));
  const terms = {
    accuracyNs: worst,
    ...{ offsetsNs, delaysNs, delayMinNs: pins.delayMinNs },
    ...{ spreadNs: line.spreadNs, halfNs: line.halfNs },
    ageNs: largest(ages(subject, line)),
    slewPpbMax: BigInt(pins.slewPpbMax),
    lagNs: lagOf(subject) ?? 0n,
    growthPpb,
  };
  const half = adversarialWindow(terms) + ambiguityOf(subject, line);
  const reading: SourceReading = {
    rawNs: line.rawNs,
    taiNs: line.taiNs,
    earlyNs: half,
    lateNs: half,
    statisticalNs: statisticalWindow(terms),
    ratePpb: line.ratePpb,
    statisticalGrowthPpb: wanderPpb + clamp(line.wanderPpb, 2n * driftPpbMax),
    adversarialGrowthPpb: growthPpb,
    locks: true,
  };
  return { problems: new Set(), latched: new Set(), sky: null, reading };
}

/** A second where UTC leaves one open; the network card's clock knows none. */
function ambiguityOf({ pins, context, isOffsetTold }: Subject, { taiNs }: ClockLine): bigint {
  if (pins.clock === 'phc') return 0n;
  return isOffsetTold ? leapAmbiguityNs(context, taiNs) : PPB;
}

/** By the name of what is wrong. */
const CHECKS = {
  'too-few-readings': ({ view, context }) =>
    view.needed.some((frames) => frames.length < context.profile.limits.samplesMin),
  silent: ({ view, context }) => view.needed.some((frames) => hasGap(frames, context)),
  'too-short': ({ view, context }) => {
    const first = view.timeStatus[0]?.frame.rawBeforeNs ?? context.takenRawNs;
    return context.takenRawNs - first < ms(context.profile.limits.windowMs);
  },
  'port-not-slave': ({ view }) => view.slavePort === null,
  grandmaster({ view, pins }) {
    const pinned = pins.grandmasters.map(encodeHex);
    const named = [
      ...view.parent.map(({ set }) => set.grandmasterIdentity),
      ...view.timeStatus.map(({ set }) => set.gmIdentity),
    ];
    return new Set(named).size !== 1 || named.some((identity) => !pinned.includes(identity));
  },
  'grandmaster-absent': ({ view }) => view.timeStatus.some(({ set }) => !set.gmPresent),
  'clock-class': ({ view, pins }) =>
    view.parent.some(
      ({ set }) => !pins.clockClasses.includes(set.grandmasterClockQuality.clockClass),
    ),
  'clock-accuracy': ({ view, pins }) =>
    view.parent.some(({ set: { grandmasterClockQuality: quality } }) => {
      return (
        quality.clockAccuracy > pins.clockAccuracyMax || accuracyOf(quality.clockAccuracy) === null
      );
    }),
  'time-source': ({ view, pins }) =>
    view.timeProperties.some(({ set }) => !pins.timeSources.includes(set.timeSource)),
  'not-traceable': ({ view }) => view.timeProperties.some(({ set }) => !set.timeTraceable),
  timescale: ({ view }) => view.timeProperties.some(({ set }) => !set.ptpTimescale),
  'utc-offset': ({ view, context: { leap }, clock }) =>
    view.timeProperties.some(({ frame, set: { currentUtcOffset, currentUtcOffsetValid } }) => {
      const isOurs = isOffsetAbout(taiAbout(frame, clock), currentUtcOffset, leap);
      return !currentUtcOffsetValid || !isOurs;
    }),
  'leap-announced': ({ view, context: { leap }, clock }) =>
    view.timeProperties.some(({ frame, set: { leap59, leap61 } }) => {
      const announced = [...(leap61 ? [1] : []), ...(leap59 ? [-1] : [])];
      return announced.some((change) => !isListedToday(change, taiAbout(frame, clock), leap));
    }),
  'sync-stale': isSyncStale,
  'delay-stale': (subject) => lagOf(subject) === null || isDelayFrozen(subject),
  'delay-too-short': ({ delaysNs, pins }) => delaysNs.some((delay) => delay < pins.delayMinNs),
  'delay-too-long': ({ delaysNs, pins }) => delaysNs.some((delay) => delay > pins.delayMaxNs),
  'delay-mechanism': ({ view, pins }) =>
    slaveOf(view.ports, view.slavePort).some(
      ({ set }) => set.delayMechanism !== (pins.delayMechanism === 'e2e' ? 1 : 2),
    ),
  'clock-stepped': ({ clock, pins }) => !isSteady(clock, BigInt(pins.slewPpbMax)),
  'counter-back': (subject) => {
    const counts = responses(subject).map(({ count }) => count);
    return counts.some((count, i) => count < (counts[i - 1] ?? 0n));
  },
} satisfies Partial<Record<SourceProblem, (subject: Subject) => boolean>>;

/** Readings of the clock that ptp4l sets, in TAI. */
function clockReadings(frames: Frames, pins: PtpPins, { leap }: JudgementContext): ClockReading[] {
  const isPhc = pins.clock === 'phc';
  const readings = frames.flatMap(({ kind, rawBeforeNs, rawAfterNs, clockNs }) => {
    if (clockNs === null || (kind === 'phc-bracket') !== isPhc) return [];
    const widthNs = rawAfterNs - rawBeforeNs;
    return [{ rawNs: rawBeforeNs + widthNs / 2n, halfNs: (widthNs + 1n) / 2n, clockNs }];
  });
  const taiNs = isPhc ? readings.map(({ clockNs }) => clockNs) : taiOfReadings(readings, leap);
  return readings.map(({ rawNs, halfNs }, i) => ({ rawNs, halfNs, taiNs: taiNs[i] ?? 0n }));
}

/** TAI when a frame came, well enough to know the day and the second of a step. */
function taiAbout({ rawAfterNs }: TimeFrame, clock: readonly ClockReading[]): bigint {
  const reading = clock.findLast(({ rawNs }) => rawNs <= rawAfterNs) ?? clock[0];
  return reading === undefined ? 0n : reading.taiNs + rawAfterNs - reading.rawNs;
}

/** When a sync came, which the disciplined clock stamped. */
function ingressOf(
  ingressNs: bigint,
  frame: TimeFrame,
  { pins, context: { leap }, clock }: Pick<Subject, 'pins' | 'context' | 'clock'>,
): bigint {
  if (pins.clock === 'phc') return ingressNs;
  return instantNextTo(taiAbout(frame, clock), ingressNs, leap);
}

/** How old each sync was when it was told, by the disciplined clock. */
function ages({ view, ingressTaiNs }: Subject, line: ClockLine): bigint[] {
  return view.timeStatus.map(
    ({ frame }, i) => lineAt(line, frame.rawAfterNs) - (ingressTaiNs[i] ?? 0n),
  );
}

function isSyncStale(subject: Subject): boolean {
  const { view, clock, context, ingressTaiNs } = subject;
  const isGoing = ingressTaiNs.every((time, i) => time >= (ingressTaiNs[i - 1] ?? 0n));
  const isMissing = view.timeStatus.some(({ set }) => set.ingressTimeNs <= 0n);
  const isStill = ingressTaiNs.at(-1) === ingressTaiNs[0];
  if (!isGoing || isMissing || isStill || clock.length < 2) return true;
  const silenceNs = ms(context.profile.limits.silenceMs);
  const line = fitLine(clock, BigInt(SEGMENT_RATE_PPB_MAX));
  return ages(subject, line).some((age) => age > silenceNs || age < -silenceNs);
}

/** How many answers to delay requests the port that listens to the grandmaster had, by time. */
function responses({ view, pins }: Subject): { readonly rawNs: bigint; readonly count: bigint }[] {
  const counter = pins.delayMechanism === 'e2e' ? 'delayResp' : 'pdelayResp';
  return slaveOf(view.stats, view.slavePort).map(({ frame, set }) => ({
    rawNs: frame.rawBeforeNs,
    count: set.received[counter],
  }));
}

/**
 * The time in which ptp4l had as many delays measured as its filter holds: what it tells is of none
 * before that. Null where the evidence does not reach back so far.
 */
function lagOf(subject: Subject): bigint | null {
  const counts = responses(subject);
  const last = counts.at(-1)?.count ?? 0n;
  const wanted = last - BigInt(subject.pins.delayFilterLength);
  const since = counts.findLast(({ count }) => count <= wanted);
  return since === undefined ? null : subject.context.takenRawNs - since.rawNs;
}

/** With software time stamps a delay that is measured anew is never the same all the time. */
function isDelayFrozen({ view, pins }: Subject): boolean {
  if (pins.clock === 'phc') return false;
  return new Set(view.current.map(({ set }) => set.meanPathDelayScaledNs)).size < 2;
}

function isRateBeyond(
  line: ClockLine,
  clock: readonly ClockReading[],
  { profile: { oscillator } }: JudgementContext,
): boolean {
  const spanNs = line.rawNs - (clock[0]?.rawNs ?? line.rawNs);
  if (spanNs <= 0n) return true;
  // Readings that stray from the line turn it by so much and no more.
  const slackPpb = (4n * (line.spreadNs + line.halfNs) * PPB) / spanNs + 1n;
  return absolute(line.ratePpb - oscillator.nominalPpb) > oscillator.driftPpbMax + slackPpb;
}

function accuracyOfSet(set: {
  readonly grandmasterClockQuality: { readonly clockAccuracy: number };
}): bigint {
  return accuracyOf(set.grandmasterClockQuality.clockAccuracy) ?? 0n;
}

function slaveOf<S extends { readonly portIdentity: { readonly portNumber: number } }>(
  heard: readonly { readonly frame: TimeFrame; readonly set: S }[],
  port: number | null,
): readonly { readonly frame: TimeFrame; readonly set: S }[] {
  return heard.filter(({ set }) => set.portIdentity.portNumber === port);
}

/** Whether a data set was not told for longer than silence is allowed, until the end. */
function hasGap(frames: readonly TimeFrame[], context: JudgementContext): boolean {
  const silenceNs = ms(context.profile.limits.silenceMs);
  const times = [...frames.map(({ rawAfterNs }) => rawAfterNs), context.takenRawNs];
  return times.some((time, i) => i > 0 && time - (times[i - 1] ?? time) > silenceNs);
}

function ceilScaled(scaledNs: bigint): bigint {
  return -(-scaledNs >> SCALE_BITS);
}

function ms(count: number): bigint {
  return BigInt(count) * NS_PER_MS;
}

function clamp(value: bigint, max: bigint): bigint {
  return value < max ? value : max;
}
