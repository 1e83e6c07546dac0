/**
 * The system's clock as a source (SPEC.md §9.5): observed and told, it never counts. What is found
 * is what somebody does to it.
 */
import type { ClockReading } from './clock-line.ts';
import { isSteady } from './clock-line.ts';
import { clockStateOf } from './clock-state.ts';
import type { Frames, JudgementContext, SourceJudgement } from './source-reading.ts';
import { noteProblems } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';

/** The kernel turns its clock by 500 ppm for a frequency and by 500 for an offset. */
const SLEW_PPB_MAX = 1_000_000n;

/** Judges the frames of the system's clock. */
export function judgeSystemClock(
  frames: Frames,
  { taiMinusUtcSeconds }: JudgementContext,
): SourceJudgement {
  const states = frames.map(clockStateOf);
  const problems: SourceProblem[] = states.includes('malformed') ? ['malformed'] : [];
  problems.push(...noteProblems(frames));
  const isOtherOffset = states.some(
    (state) =>
      state !== null &&
      state !== 'malformed' &&
      ![0, taiMinusUtcSeconds].includes(state.kernel?.taiMinusUtcSeconds ?? 0),
  );
  if (isOtherOffset) problems.push('utc-offset');
  if (!isSteady(readings(frames), SLEW_PPB_MAX)) problems.push('clock-stepped');
  return { problems, reading: null };
}

function readings(frames: Frames): ClockReading[] {
  return frames.flatMap(({ kind, rawBeforeNs, rawAfterNs, clockNs }) => {
    if (kind !== 'clock-bracket' || clockNs === null) return [];
    const widthNs = rawAfterNs - rawBeforeNs;
    return [{ rawNs: rawBeforeNs + widthNs / 2n, halfNs: (widthNs + 1n) / 2n, taiNs: clockNs }];
  });
}
