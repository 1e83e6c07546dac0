/**
 * The sources of time that a time profile names (SPEC.md §9.3): what each is pinned to, and what it
 * is independent of. Only what is pinned here counts; everything a source announces is compared.
 */
import { label } from '../appliance.ts';
import type { CborValue } from '../cbor.ts';
import { isCborArray } from '../cbor.ts';
import type { Codec, CodecType, Json, Place } from '../schema.ts';
import {
  bytes,
  list,
  names,
  nanoseconds,
  nullable,
  record,
  refine,
  requireMembers,
  text,
  truth,
  uint,
} from '../schema.ts';

const CLOCK_IDENTITY_SIZE_BYTES = 8;
const PINNED_MAX = 16;
const OCTET_MAX = 255;
const DOMAIN_MAX = 127;
const RATE_PPB_MAX = 1_000_000;
const FILTER_LENGTH_MAX = 64;
const ACCURACY_MIN = 0x17;
const ACCURACY_MAX = 0x31;

const NAME_FORM = /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/;
const clockIdentity = bytes(CLOCK_IDENTITY_SIZE_BYTES, CLOCK_IDENTITY_SIZE_BYTES);

/** What ptp4l sets to the grandmaster's time: the system's clock or the network card's. */
export const DISCIPLINED_CLOCKS = ['realtime', 'phc'] as const;
export const DELAY_MECHANISMS = ['e2e', 'p2p'] as const;

const ptpPins = refine(
  record({
    domain: uint(0, DOMAIN_MAX),
    /** Identity of this box's own clock: what does not come from it is not ptp4l's word. */
    localClockIdentity: clockIdentity,
    grandmasters: list(clockIdentity, 1, PINNED_MAX),
    clock: names(1, DISCIPLINED_CLOCKS),
    delayMechanism: names(1, DELAY_MECHANISMS),
    /** Delay measurements that ptp4l's filter looks back on (`delay_filter_length`). */
    delayFilterLength: uint(1, FILTER_LENGTH_MAX),
    /** Least time that a message is under way in one direction, as commissioned. */
    delayMinNs: nanoseconds,
    /** A mean path delay above it is not this network's. */
    delayMaxNs: nanoseconds,
    clockClasses: list(uint(0, OCTET_MAX), 1, PINNED_MAX),
    /** Worst clockAccuracy (IEEE 1588-2019 table 5). */
    clockAccuracyMax: uint(ACCURACY_MIN, ACCURACY_MAX),
    timeSources: list(uint(0, OCTET_MAX), 1, PINNED_MAX),
    /** Fastest that ptp4l turns its clock against CLOCK_MONOTONIC_RAW; faster is a step. */
    slewPpbMax: uint(0, RATE_PPB_MAX),
  }),
  ({ delayMinNs, delayMaxNs }) =>
    delayMinNs <= delayMaxNs ? null : 'delayMinNs is above delayMaxNs',
);

const DEGREES_E7_MAX = 1_800_000_000;
const RADIUS_METRES_MAX = 100_000;
const SATELLITES_MAX = 64;
const RECEIVER_ID_SIZE_BYTES_MAX = 16;

const gnssPins = record({
  /** Unique id of the receiver (UBX-SEC-UNIQID); null for one that has none. */
  receiverId: nullable(bytes(1, RECEIVER_ID_SIZE_BYTES_MAX)),
  /** Where the antenna stands; null where it was not surveyed. */
  survey: nullable(
    record({
      /** Degrees times 10^7. */
      latitudeE7: uint(-DEGREES_E7_MAX / 2, DEGREES_E7_MAX / 2),
      longitudeE7: uint(-DEGREES_E7_MAX, DEGREES_E7_MAX),
      radiusMetres: uint(1, RADIUS_METRES_MAX),
    }),
  ),
  satellitesMin: uint(0, SATELLITES_MAX),
  /** Half width of what a fix says of its second, where the receiver does not tell. */
  accuracyNs: nanoseconds,
  /** Longest that a message about a second comes after it. */
  latencyMaxNs: nanoseconds,
  /** Whether its pulse is wired to this box. */
  pulse: truth,
  /** Whether it counts only while it watches for spoofing and for jamming. */
  monitored: truth,
});

const nonePinned = record({});

const PINS = { ptp: ptpPins, gnss: gnssPins, 'system-clock': nonePinned } as const;

/** A system clock is compared and told, and never counts. */
export const SOURCE_KINDS = ['ptp', 'gnss', 'system-clock'] as const;
export type TimeSourceKind = (typeof SOURCE_KINDS)[number];
export type PtpPins = CodecType<typeof ptpPins>;
export type GnssPins = CodecType<typeof gnssPins>;

const common = {
  id: text(1, 64, NAME_FORM),
  kind: names(1, SOURCE_KINDS),
  label,
  /** What it draws on: sources of one group fail together, those of two are independent. */
  group: text(1, 64, NAME_FORM),
};
const head = record(common);
type Head = CodecType<typeof head>;

/** One source, told apart by `kind`. */
export type TimeSource = {
  [K in TimeSourceKind]: Head & { readonly kind: K; readonly pins: CodecType<(typeof PINS)[K]> };
}[TimeSourceKind];

const HEAD_LENGTH = Object.keys(common).length;

/** `[id, kind, label, group, pins]`, pins by kind. */
export const timeSource: Codec<TimeSource> = {
  fromCbor(value: CborValue, place: Place): TimeSource {
    if (!isCborArray(value) || value.length !== HEAD_LENGTH + 1) {
      throw place.error(`expected an array of ${HEAD_LENGTH + 1}`);
    }
    const told = head.fromCbor(value.slice(0, HEAD_LENGTH), place);
    const pins = PINS[told.kind].fromCbor(value[HEAD_LENGTH] ?? null, place.at('pins'));
    return { ...told, pins } as TimeSource;
  },
  toCbor(value: TimeSource): CborValue {
    const pins = (PINS[value.kind] as Codec<unknown>).toCbor(value.pins);
    return [...(head.toCbor(value) as readonly CborValue[]), pins];
  },
  toJson: (value) => ({
    ...(head.toJson(value) as object),
    pins: (PINS[value.kind] as Codec<unknown>).toJson(value.pins),
  }),
  fromJson(json: Json, place: Place): TimeSource {
    const { pins = null, ...rest } = requireMembers(json, { ...common, pins: null }, place);
    const told = head.fromJson(rest, place);
    return { ...told, pins: PINS[told.kind].fromJson(pins, place.at('pins')) } as TimeSource;
  },
};
