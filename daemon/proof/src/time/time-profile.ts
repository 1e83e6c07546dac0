/**
 * The time profile (SPEC.md §9.3): which sources of time an appliance has, what they are pinned to,
 * its oscillator, and the limits under which it claims a level. Operators sign it; nothing in it is
 * ever learned.
 */
import { TIME_LEVELS } from '../entry-fields.ts';
import { ProofError } from '../proof-error.ts';
import type { Json, ShapeType } from '../schema.ts';
import {
  constant,
  decodeWith,
  encodeWith,
  list,
  names,
  nanoseconds,
  Place,
  rate,
  record,
  refine,
  text,
  uint,
} from '../schema.ts';
import { parseStrictJson } from '../strict-json.ts';
import { timeSource } from './time-source.ts';

export const TIME_PROFILE_SIZE_BYTES_MAX = 16_384;
export const TIME_SOURCES_MAX = 16;
const RATE_PPB_MAX = 1_000_000;
const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const HOLDOVER_MS_MAX = 365 * DAY_MS;
const WINDOW_MS_MAX = 600_000;
const SAMPLES_MAX = 256;

const shape = {
  version: constant(1),
  name: text(1, 128),
  sources: refine(list(timeSource, 1, TIME_SOURCES_MAX), (sources) => {
    const ids = sources.map(({ id }) => id);
    const again = ids.find((id, i) => ids.indexOf(id) !== i);
    return again === undefined ? null : `source '${again}' stands twice`;
  }),
  oscillator: record({
    /** In words: `quartz`, `TCXO`, `OCXO`, `rubidium`. */
    class: text(1, 64),
    /** By how much TAI runs faster than CLOCK_MONOTONIC_RAW, as commissioned. */
    nominalPpb: rate(-RATE_PPB_MAX, RATE_PPB_MAX),
    /** How far from that it ever is, ageing and temperature included. */
    driftPpbMax: rate(1, RATE_PPB_MAX),
    /** How far it wanders from where it just was: of the statistical window alone. */
    wanderPpb: rate(0, RATE_PPB_MAX),
  }),
  limits: record({
    /** Least span of the readings that a lock is made of. */
    windowMs: uint(SECOND_MS, WINDOW_MS_MAX),
    /** Least number of readings of each kind. */
    samplesMin: uint(2, SAMPLES_MAX),
    /** A source that has been silent for longer is not healthy. */
    silenceMs: uint(1, DAY_MS),
    /** How long after its last reading a lock is a lock. */
    lockMs: uint(1, DAY_MS),
    /** How long after it the oscillator is trusted to its drift. */
    holdoverMs: uint(1, HOLDOVER_MS_MAX),
    /** A wider adversarial window is no better than DEGRADED. */
    widthMaxNs: nanoseconds,
  }),
  /** What an agent is refused below, unless its own configuration says otherwise. */
  requireTimeLevel: names(0, TIME_LEVELS),
};

const codec = refine(record(shape), ({ limits: { lockMs, holdoverMs } }) =>
  lockMs <= holdoverMs ? null : 'limits: lockMs is above holdoverMs',
);
const place = new Place('profile-invalid', 'time profile');

export type TimeProfile = ShapeType<typeof shape>;

/** @throws ProofError `profile-invalid` naming the member, `cbor-malformed`, `limit-exceeded` */
export function decodeTimeProfile(encoded: Uint8Array): TimeProfile {
  requireSize(encoded);
  return decodeWith(codec, encoded, place);
}

/** @throws ProofError `profile-invalid`, `limit-exceeded` */
export function encodeTimeProfile(profile: TimeProfile): Uint8Array {
  const encoded = encodeWith(codec, profile, place);
  requireSize(encoded);
  return encoded;
}

/** The form for people: strict JSON. @throws ProofError `profile-invalid` naming the member */
export function parseTimeProfile(source: string): TimeProfile {
  return timeProfileFromJson(parseStrictJson(source, place));
}

/** The same of a value already parsed, of TOML for one. @throws ProofError `profile-invalid` */
export function timeProfileFromJson(json: Json): TimeProfile {
  return codec.fromJson(json, place);
}

/** JSON text of a profile, indented. */
export function formatTimeProfile(profile: TimeProfile): string {
  return `${JSON.stringify(codec.toJson(profile), null, 2)}\n`;
}

function requireSize({ length }: Uint8Array): void {
  if (length <= TIME_PROFILE_SIZE_BYTES_MAX) return;
  const max = TIME_PROFILE_SIZE_BYTES_MAX;
  throw new ProofError('limit-exceeded', `time profile: longer than ${max} bytes`);
}
