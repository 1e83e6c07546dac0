/**
 * Whether an antenna is where it was surveyed. Only sums, products and quotients of doubles are
 * used, which every platform rounds alike: the reader of the evidence comes to the same verdict.
 */
import type { NmeaPosition } from './nmea-fields.ts';

/** The surveyed place of an antenna. */
export interface SurveyedPosition extends NmeaPosition {
  /** What the position may scatter by. */
  readonly radiusMetres: number;
}

/** 10^-7 degrees along a meridian of a sphere of 6,371 km, in mm. */
const MM_PER_E7 = 11.119_492_664;
const HALF_TURN_E7 = 1_800_000_000;

export function isWithin(position: NmeaPosition, surveyed: SurveyedPosition): boolean {
  const north = (position.latitudeE7 - surveyed.latitudeE7) * MM_PER_E7;
  let turn = position.longitudeE7 - surveyed.longitudeE7;
  if (turn > HALF_TURN_E7) turn -= 2 * HALF_TURN_E7;
  if (turn < -HALF_TURN_E7) turn += 2 * HALF_TURN_E7;
  const east = turn * MM_PER_E7 * cosine(surveyed.latitudeE7);
  const radiusMm = surveyed.radiusMetres * 1000;
  return north * north + east * east <= radiusMm * radiusMm;
}

/** Cosine of up to a quarter turn in 10^-7 degrees, to 10^-8: Taylor's sum. */
function cosine(angleE7: number): number {
  const radians = (angleE7 / HALF_TURN_E7) * Math.PI;
  const square = radians * radians;
  let [sum, term] = [1, 1];
  for (let n = 1; n <= 8; n++) {
    term = (-term * square) / ((2 * n - 1) * (2 * n));
    sum += term;
  }
  return sum;
}
