/**
 * A disciplined clock seen against CLOCK_MONOTONIC_RAW: the line through its readings, and how far
 * they stray from it. Integers only, so that every reader gets the same line.
 */
import { absolute, floorDivide, largest } from './integers.ts';
import { PPB } from './segment.ts';

/** One reading: at `rawNs`, give or take `halfNs`, the clock said `taiNs`. */
export interface ClockReading {
  readonly rawNs: bigint;
  readonly halfNs: bigint;
  readonly taiNs: bigint;
}

export interface ClockLine {
  readonly rawNs: bigint;
  readonly taiNs: bigint;
  /** By how much the clock runs faster than CLOCK_MONOTONIC_RAW. */
  readonly ratePpb: bigint;
  /** How much the rate of the first half of the readings differs from that of the second. */
  readonly wanderPpb: bigint;
  /** The furthest that a reading is off the line. */
  readonly spreadNs: bigint;
  /** The widest bracket's half. */
  readonly halfNs: bigint;
}

interface Point {
  /** Both from the last reading: raw time, and how much more the clock went than that. */
  readonly x: bigint;
  readonly y: bigint;
}

/** The line through `readings`, at least two, in their order; its base is the last one's time. */
export function fitLine(readings: readonly ClockReading[], ratePpbMax: bigint): ClockLine {
  const last = readings.at(-1);
  if (last === undefined) throw new RangeError('a line needs readings');
  const points = readings.map(({ rawNs, taiNs }) => {
    const x = rawNs - last.rawNs;
    return { x, y: taiNs - last.taiNs - x };
  });
  const slopePpb = slope(points);
  const ratePpb =
    slopePpb > ratePpbMax ? ratePpbMax : slopePpb < -ratePpbMax ? -ratePpbMax : slopePpb;
  const residues = points.map(({ x, y }) => y - floorDivide(x * ratePpb, PPB));
  const middle = mean(residues);
  const half = points.length >> 1;
  return {
    rawNs: last.rawNs,
    taiNs: last.taiNs + middle,
    ratePpb,
    wanderPpb: absolute(slope(points.slice(half)) - slope(points.slice(0, half))),
    spreadNs: largest(residues.map((residue) => absolute(residue - middle))),
    halfNs: largest(readings.map(({ halfNs }) => halfNs)),
  };
}

/** What the line has at `rawNs`. */
export function lineAt({ rawNs: baseNs, taiNs, ratePpb }: ClockLine, rawNs: bigint): bigint {
  const elapsedNs = rawNs - baseNs;
  return taiNs + elapsedNs + floorDivide(elapsedNs * ratePpb, PPB);
}

/**
 * Whether the clock went on between neighbouring readings as a clock does that is turned by no more
 * than `slewPpbMax`, and never stepped.
 */
export function isSteady(readings: readonly ClockReading[], slewPpbMax: bigint): boolean {
  return readings.every((reading, i) => {
    const before = readings[i - 1];
    if (before === undefined) return true;
    const elapsedNs = reading.rawNs - before.rawNs;
    const strayNs = absolute(reading.taiNs - before.taiNs - elapsedNs);
    const slackNs = reading.halfNs + before.halfNs + floorDivide(elapsedNs * slewPpbMax, PPB) + 1n;
    return strayNs <= slackNs;
  });
}

/** From the middle of the first half of the points to that of the second; 0 where they coincide. */
function slope(points: readonly Point[]): bigint {
  const half = points.length >> 1;
  const [early, late] = [points.slice(0, half), points.slice(half)];
  if (early.length === 0) return 0n;
  const run = mean(late.map(({ x }) => x)) - mean(early.map(({ x }) => x));
  const rise = mean(late.map(({ y }) => y)) - mean(early.map(({ y }) => y));
  return run <= 0n ? 0n : floorDivide(rise * PPB, run);
}

function mean(values: readonly bigint[]): bigint {
  const sum = values.reduce((total, value) => total + value, 0n);
  return floorDivide(sum, BigInt(values.length));
}
