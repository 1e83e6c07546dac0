/**
 * The system's clock as a source (SPEC.md §9.5): observed and told, it never counts. What is found
 * is what somebody does to it.
 */
import type { ClockReading } from './clock-line.ts';
import { isSteady } from './clock-line.ts';
import { clockStateOf } from './clock-state.ts';
import type { LeapSeconds } from '../tai.ts';
import { isOffsetAbout, taiOfReadings } from './leap-seconds.ts';
import type { Frames, JudgementContext, SourceJudgement } from './source-reading.ts';
import { noteProblems } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';

/** The kernel turns its clock by 500 ppm for a frequency and by 500 for an offset. */
const SLEW_PPB_MAX = 1_000_000n;

/** Judges the frames of the system's clock. */
export function judgeSystemClock(frames: Frames, { leap }: JudgementContext): SourceJudgement {
  const problems = new Set<SourceProblem>(noteProblems(frames));
  const readings = readingsOf(frames, leap);
  if (frames.some((frame) => clockStateOf(frame) === 'malformed')) problems.add('malformed');
  if (readings.some(({ offset, taiNs }) => offset !== 0 && !isOffsetAbout(taiNs, offset, leap))) {
    problems.add('utc-offset');
  }
  if (!isSteady(readings, SLEW_PPB_MAX)) problems.add('clock-stepped');
  return { problems, latched: new Set(), sky: null, reading: null };
}

/** With the TAI−UTC that the kernel was told; 0 where nobody did. */
function readingsOf(
  frames: Frames,
  leap: LeapSeconds,
): (ClockReading & { readonly offset: number })[] {
  const readings = frames.flatMap((frame) => {
    const { kind, rawBeforeNs, rawAfterNs, clockNs } = frame;
    if (kind !== 'clock-bracket' || clockNs === null) return [];
    const state = clockStateOf(frame);
    const kernel = state === null || state === 'malformed' ? null : state.kernel;
    const widthNs = rawAfterNs - rawBeforeNs;
    const [rawNs, halfNs] = [rawBeforeNs + widthNs / 2n, (widthNs + 1n) / 2n];
    return [{ rawNs, halfNs, clockNs, offset: kernel?.taiMinusUtcSeconds ?? 0 }];
  });
  const taiNs = taiOfReadings(readings, leap);
  return readings.map(({ rawNs, halfNs, offset }, i) => {
    return { rawNs, halfNs, offset, taiNs: taiNs[i] ?? 0n };
  });
}
