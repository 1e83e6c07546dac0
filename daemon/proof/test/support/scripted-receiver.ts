/**
 * What a u-blox receiver would send at one epoch of a scripted truth: sentences and frames, with
 * every lie that a drill needs. Pure: the caller has the clock and the line.
 */
import { LEAP_TABLE, taiOfUtc, utcOfTai } from '../../src/tai.ts';
import { offsetAt } from '../../src/time/leap-seconds.ts';
import { gpsTimeOfWeekMs } from '../../src/time/gnss-instant.ts';
import type { UbxUtc } from '../../src/time/ubx-navigation.ts';
import type { DecodedUbx } from '../../src/time/ubx.ts';
import { encodeUbx, nmeaSentence } from './gnss-encode.ts';

/** How a scripted receiver lies; what is left out is as a healthy one has it. */
export interface ReceiverScript {
  /** The position it tells, in 10^-7 degrees. */
  readonly latitudeE7?: number;
  readonly longitudeE7?: number;
  /** Weeks that it believes to be elsewhere: -1024 is a week number that rolled over. */
  readonly weeksOff?: number;
  /** Seconds by which a spoofer moved it. */
  readonly secondsOff?: number;
  /** A autonomous, S simulator, M manual, E dead reckoning, N none. */
  readonly mode?: 'A' | 'S' | 'M' | 'E' | 'N';
  /** 0 unknown, 1 none, 2 indicated, 3 affirmed; null monitors nothing. */
  readonly spoofing?: 0 | 1 | 2 | 3 | null;
  readonly jamming?: 0 | 1 | 2 | 3 | null;
  /** GPS - UTC that the receiver applies; the true one where it is left out. */
  readonly leapSeconds?: number;
  /** An announced step and the seconds until it. */
  readonly leapAnnounced?: { readonly change: 1 | -1; readonly inSeconds: number } | null;
  /** null tells it only when it is polled, as receivers are delivered. */
  readonly receiverId?: Uint8Array | null;
  readonly timeAccuracyNs?: number;
  readonly satellites?: number;
  /** Which half it sends; both is as u-blox receivers are delivered. */
  readonly protocol?: 'nmea' | 'ubx' | 'both';
}

export const SCRIPTED_RECEIVER_ID = Uint8Array.of(0x4b, 0x75, 0x64, 0x75, 0x72);
export const SCRIPTED_LATITUDE_E7 = 472_852_000;
export const SCRIPTED_LONGITUDE_E7 = 85_659_000;

const NS_PER_SECOND = 1_000_000_000n;
const TAI_MINUS_GPS_SECONDS = 19;
const DAY_NS = 86_400n * NS_PER_SECOND;

/** All frames of the epoch at `taiNs`, a whole second, in the order of the line. */
export function receiverEpoch(taiNs: bigint, script: ReceiverScript = {}): Uint8Array[] {
  const shift = BigInt(script.weeksOff ?? 0) * 7n * DAY_NS;
  const trueLeapSeconds = offsetAt(taiNs, LEAP_TABLE) - TAI_MINUS_GPS_SECONDS;
  const { leapSeconds = trueLeapSeconds } = script;
  const leap = BigInt(leapSeconds - trueLeapSeconds) * NS_PER_SECOND;
  // A receiver with a wrong offset keeps GPS time and names another second of UTC.
  const gpsTaiNs = taiNs + shift + BigInt(script.secondsOff ?? 0) * NS_PER_SECOND;
  const utc = civilOf(gpsTaiNs - leap);
  const { protocol = 'both' } = script;
  return [
    ...(protocol === 'ubx' ? [] : sentences(utc, script)),
    ...(protocol === 'nmea'
      ? []
      : messages(utc, gpsTimeOfWeekMs(gpsTaiNs), { ...script, leapSeconds }).map(encodeUbx)),
  ];
}

/** TAI of a UTC date and time. */
export function taiAt(date: string): bigint {
  return taiOfUtc((BigInt(Date.parse(date)) / 1000n) * NS_PER_SECOND);
}

function civilOf(taiNs: bigint): UbxUtc {
  const { utcNs, isLeapSecond } = utcOfTai(taiNs, LEAP_TABLE);
  const date = new Date(Number(utcNs / 1_000_000n) - (isLeapSecond ? 1000 : 0));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: isLeapSecond ? 60 : date.getUTCSeconds(),
    nanosecond: 0,
  };
}

function sentences(utc: UbxUtc, script: ReceiverScript): Uint8Array[] {
  const { mode = 'A', satellites = 11 } = script;
  const time = `${two(utc.hour)}${two(utc.minute)}${two(utc.second)}.00`;
  const date = `${two(utc.day)}${two(utc.month)}${two(utc.year % 100)}`;
  const { latitudeE7 = SCRIPTED_LATITUDE_E7, longitudeE7 = SCRIPTED_LONGITUDE_E7 } = script;
  const north = `${degrees(latitudeE7, 2)},${latitudeE7 < 0 ? 'S' : 'N'}`;
  const east = `${degrees(longitudeE7, 3)},${longitudeE7 < 0 ? 'W' : 'E'}`;
  const quality = { A: 1, S: 8, M: 7, E: 6, N: 0 }[mode];
  const status = mode === 'N' ? 'V' : 'A';
  const used = `${two(satellites)},0.9,499.6,M,48.0,M,,`;
  const long = `${two(utc.day)},${two(utc.month)},${utc.year}`;
  return [
    `GNGGA,${time},${north},${east},${quality},${used}`,
    `GNGSA,A,${mode === 'N' ? 1 : 3},23,29,07,08,09,18,26,28,,,,,1.94,1.18,1.54,1`,
    `GNRMC,${time},${status},${north},${east},0.004,77.52,${date},,,${mode},V`,
    `GNZDA,${time},${long},00,00`,
  ].map(nmeaSentence);
}

function messages(utc: UbxUtc, timeOfWeekMs: number, script: ReceiverScript): DecodedUbx[] {
  const { timeAccuracyNs = 25, leapAnnounced = null } = script;
  const event = leapAnnounced ?? { change: 0, inSeconds: 0 };
  return [
    solutionOf(utc, timeOfWeekMs, script),
    { ...pulse, timeOfWeekMs: (timeOfWeekMs + 1000) % 604_800_000 },
    { ...standard, timeOfWeekMs, utc, timeAccuracyNs },
    {
      ...leap,
      timeOfWeekMs,
      currentLeapSeconds: script.leapSeconds ?? 18,
      change: event.change,
      timeToEventSeconds: event.inSeconds,
    },
    ...monitors(timeOfWeekMs, script),
    ...(script.receiverId === null ? [] : [identityOf(script.receiverId)]),
  ];
}

/** The answer to a poll of SEC-UNIQID. */
export function receiverIdentity(receiverId?: Uint8Array): Uint8Array {
  return encodeUbx(identityOf(receiverId));
}

function identityOf(receiverId: Uint8Array = SCRIPTED_RECEIVER_ID): DecodedUbx {
  return { kind: 'sec-uniqid', version: 1, uniqueId: receiverId };
}

function solutionOf(utc: UbxUtc, timeOfWeekMs: number, script: ReceiverScript): DecodedUbx {
  const { mode = 'A', timeAccuracyNs = 25, satellites = 11 } = script;
  const isFixOk = mode !== 'N';
  return {
    kind: 'nav-pvt',
    timeOfWeekMs,
    utc,
    ...{ isDateValid: true, isTimeValid: true, isFullyResolved: true },
    ...{ isDateConfirmed: isFixOk, isTimeConfirmed: isFixOk },
    timeAccuracyNs,
    // A simulator's signals are a fix like any other: only NMEA knows the word for it.
    fixType: mode === 'E' ? 1 : isFixOk ? 3 : 0,
    isFixOk,
    satellites,
    isPositionValid: true,
    latitudeE7: script.latitudeE7 ?? SCRIPTED_LATITUDE_E7,
    longitudeE7: script.longitudeE7 ?? SCRIPTED_LONGITUDE_E7,
    heightMm: 547_600,
    horizontalAccuracyMm: 900,
    isTimeAuthenticated: false,
  };
}

function monitors(timeOfWeekMs: number, script: ReceiverScript): DecodedUbx[] {
  const { spoofing = 1, jamming = 1 } = script;
  const status = { ...statusOf, timeOfWeekMs, spoofingState: Math.min(spoofing ?? 0, 3) };
  const radio = { ...radioOf, jammingState: jamming ?? 0 };
  return [
    status,
    { kind: 'mon-rf', blocks: [{ blockId: 0, ...radio }] },
    {
      kind: 'sec-sig',
      version: 2,
      isJammingMonitored: jamming !== null,
      jammingState: jamming ?? 0,
      isSpoofingMonitored: spoofing !== null,
      spoofingState: spoofing ?? 0,
      frequencies: [{ centreKhz: 1_575_420, isJammed: (jamming ?? 0) > 1 }],
    },
  ];
}

const pulse = {
  kind: 'tim-tp',
  ...{ timeOfWeekSubMs: 0, quantisationErrorPs: -3500, week: 0 },
  ...{ isBaseUtc: false, isUtcAvailable: true, integrityMonitor: 2 },
  ...{ isQuantisationErrorValid: true, isPulseLocked: true, timeReference: 0, utcStandard: 3 },
} as const;
const standard = {
  kind: 'nav-timeutc',
  ...{ isTimeOfWeekValid: true, isWeekValid: true, isUtcValid: true },
  ...{ isTimeAuthenticated: false, utcStandard: 3 },
} as const;
const leap = {
  kind: 'nav-timels',
  ...{ currentSource: 2, changeSource: 2, eventGpsWeek: 0, eventGpsDay: 0 },
  ...{ isCurrentValid: true, isEventValid: true },
} as const;
const statusOf = {
  kind: 'nav-status',
  ...{ fixType: 3, isFixOk: true, isWeekSet: true, isTimeOfWeekSet: true, upSinceMs: 3_600_000 },
} as const;
const radioOf = {
  ...{ antennaStatus: 2, antennaPower: 1, noisePerMs: 90, gainCount: 4000, jammingIndicator: 5 },
} as const;

function two(value: number): string {
  return value.toString().padStart(2, '0');
}

/** `ddmm.mmmmmmm`. */
function degrees(valueE7: number, width: number): string {
  const whole = Math.floor(Math.abs(valueE7) / 1e7);
  const minutesE7 = (Math.abs(valueE7) % 1e7) * 60;
  const fraction = (minutesE7 % 1e7).toString().padStart(7, '0');
  const minutes = two(Math.floor(minutesE7 / 1e7));
  return `${whole.toString().padStart(width, '0')}${minutes}.${fraction}`;
}
