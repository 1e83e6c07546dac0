/** UBX messages of time and position: NAV-PVT, NAV-TIMEUTC, NAV-TIMELS, NAV-STATUS, TIM-TP. */
import { bit, bits, UbxReader } from './ubx-reader.ts';

/** UTC to the second as the receiver names it; `nanosecond` is a correction, -10^9 to 10^9. */
export interface UbxUtc {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 60 in a leap second. */
  readonly second: number;
  readonly nanosecond: number;
}

/** Position, velocity and time solution. */
export interface NavPvt {
  readonly kind: 'nav-pvt';
  /** GPS time of week of the epoch, in ms. */
  readonly timeOfWeekMs: number;
  readonly utc: UbxUtc;
  readonly isDateValid: boolean;
  readonly isTimeValid: boolean;
  /** No whole seconds are in doubt. */
  readonly isFullyResolved: boolean;
  /** null where the receiver does not confirm from several signals. */
  readonly isDateConfirmed: boolean | null;
  readonly isTimeConfirmed: boolean | null;
  /** The receiver's own estimate, one sigma. */
  readonly timeAccuracyNs: number;
  /** 0 none, 1 dead reckoning, 2 2D, 3 3D, 4 GNSS with dead reckoning, 5 time only. */
  readonly fixType: number;
  readonly isFixOk: boolean;
  readonly satellites: number;
  readonly isPositionValid: boolean;
  /** In 10^-7 degrees. */
  readonly latitudeE7: number;
  readonly longitudeE7: number;
  readonly heightMm: number;
  readonly horizontalAccuracyMm: number;
  /** The time is backed by authenticated navigation messages. */
  readonly isTimeAuthenticated: boolean;
}

/** UTC solution. */
export interface NavTimeUtc {
  readonly kind: 'nav-timeutc';
  readonly timeOfWeekMs: number;
  readonly utc: UbxUtc;
  readonly timeAccuracyNs: number;
  readonly isTimeOfWeekValid: boolean;
  readonly isWeekValid: boolean;
  readonly isUtcValid: boolean;
  readonly isTimeAuthenticated: boolean;
  /** 0 unknown, 1 CRL, 2 NIST, 3 USNO, 4 BIPM, 5 EU, 6 SU, 7 NTSC, 15 not known. */
  readonly utcStandard: number;
}

/** Leap seconds as the satellites announce them. */
export interface NavTimeLs {
  readonly kind: 'nav-timels';
  readonly timeOfWeekMs: number;
  /** 0 the firmware's own default, 1 GPS against GLONASS, 2 GPS, 3 SBAS, 4 BeiDou, 5 Galileo. */
  readonly currentSource: number;
  /** GPS - UTC in seconds. */
  readonly currentLeapSeconds: number;
  readonly changeSource: number;
  /** The announced step in seconds: 1, 0 or -1. */
  readonly change: number;
  /** Until the step, or since it where it is negative. */
  readonly timeToEventSeconds: number;
  readonly eventGpsWeek: number;
  /** 1 Sunday to 7. */
  readonly eventGpsDay: number;
  readonly isCurrentValid: boolean;
  readonly isEventValid: boolean;
}

/** Receiver's state. */
export interface NavStatus {
  readonly kind: 'nav-status';
  readonly timeOfWeekMs: number;
  readonly fixType: number;
  readonly isFixOk: boolean;
  readonly isWeekSet: boolean;
  readonly isTimeOfWeekSet: boolean;
  /** 0 unknown or off, 1 nothing indicated, 2 indicated, 3 several indications. */
  readonly spoofingState: number;
  readonly upSinceMs: number;
}

/** What the next pulse will mark. */
export interface TimTp {
  readonly kind: 'tim-tp';
  readonly timeOfWeekMs: number;
  /** In 2^-32 ms. */
  readonly timeOfWeekSubMs: number;
  readonly quantisationErrorPs: number;
  readonly week: number;
  readonly isBaseUtc: boolean;
  readonly isUtcAvailable: boolean;
  /** 0 not available, 1 not active, 2 active. */
  readonly integrityMonitor: number;
  readonly isQuantisationErrorValid: boolean;
  readonly isPulseLocked: boolean;
  readonly timeReference: number;
  readonly utcStandard: number;
}

export function readNavPvt(payload: Uint8Array): NavPvt {
  const reader = new UbxReader('nav-pvt', payload);
  const timeOfWeekMs = reader.u32();
  const date = readDateTime(reader);
  const valid = reader.u8();
  const timeAccuracyNs = reader.u32();
  const utc = { ...date, nanosecond: readNanosecond(reader) };
  const [fixType, fix, confirmed, satellites] = [
    reader.u8(),
    reader.u8(),
    reader.u8(),
    reader.u8(),
  ];
  const [longitudeE7, latitudeE7, heightMm] = [reader.i32(), reader.i32(), reader.i32()];
  reader.skip(4); // height above mean sea level
  const horizontalAccuracyMm = reader.u32();
  reader.skip(34); // vertical accuracy, velocities, heading, dilution
  const more = reader.u16();
  reader.skip(12);
  reader.end();
  const confirms = bit(confirmed, 5);
  return {
    kind: 'nav-pvt',
    timeOfWeekMs,
    utc,
    isDateValid: bit(valid, 0),
    isTimeValid: bit(valid, 1),
    isFullyResolved: bit(valid, 2),
    isDateConfirmed: confirms ? bit(confirmed, 6) : null,
    isTimeConfirmed: confirms ? bit(confirmed, 7) : null,
    timeAccuracyNs,
    fixType,
    isFixOk: bit(fix, 0),
    satellites,
    isPositionValid: !bit(more, 0),
    latitudeE7,
    longitudeE7,
    heightMm,
    horizontalAccuracyMm,
    isTimeAuthenticated: bit(more, 13),
  };
}

export function readNavTimeUtc(payload: Uint8Array): NavTimeUtc {
  const reader = new UbxReader('nav-timeutc', payload);
  const [timeOfWeekMs, timeAccuracyNs] = [reader.u32(), reader.u32()];
  const nanosecond = readNanosecond(reader);
  const utc = { ...readDateTime(reader), nanosecond };
  const valid = reader.u8();
  reader.end();
  return {
    kind: 'nav-timeutc',
    timeOfWeekMs,
    utc,
    timeAccuracyNs,
    isTimeOfWeekValid: bit(valid, 0),
    isWeekValid: bit(valid, 1),
    isUtcValid: bit(valid, 2),
    isTimeAuthenticated: bit(valid, 3),
    utcStandard: bits(valid, 4, 4),
  };
}

export function readNavTimeLs(payload: Uint8Array): NavTimeLs {
  const reader = new UbxReader('nav-timels', payload);
  const timeOfWeekMs = reader.u32();
  const version = reader.u8();
  if (version !== 0) throw reader.malformed(`version ${version}`);
  reader.skip(3);
  const [currentSource, currentLeapSeconds] = [reader.u8(), reader.i8()];
  const [changeSource, change, timeToEventSeconds] = [reader.u8(), reader.i8(), reader.i32()];
  const [eventGpsWeek, eventGpsDay] = [reader.u16(), reader.u16()];
  reader.skip(3);
  const valid = reader.u8();
  reader.end();
  return {
    kind: 'nav-timels',
    timeOfWeekMs,
    currentSource,
    currentLeapSeconds,
    changeSource,
    change,
    timeToEventSeconds,
    eventGpsWeek,
    eventGpsDay,
    isCurrentValid: bit(valid, 0),
    isEventValid: bit(valid, 1),
  };
}

export function readNavStatus(payload: Uint8Array): NavStatus {
  const reader = new UbxReader('nav-status', payload);
  const [timeOfWeekMs, fixType, flags] = [reader.u32(), reader.u8(), reader.u8()];
  reader.skip(1);
  const more = reader.u8();
  reader.skip(4); // time to first fix
  const upSinceMs = reader.u32();
  reader.end();
  return {
    kind: 'nav-status',
    timeOfWeekMs,
    fixType,
    isFixOk: bit(flags, 0),
    isWeekSet: bit(flags, 2),
    isTimeOfWeekSet: bit(flags, 3),
    spoofingState: bits(more, 3, 2),
    upSinceMs,
  };
}

export function readTimTp(payload: Uint8Array): TimTp {
  const reader = new UbxReader('tim-tp', payload);
  const [timeOfWeekMs, timeOfWeekSubMs] = [reader.u32(), reader.u32()];
  const [quantisationErrorPs, week] = [reader.i32(), reader.u16()];
  const [flags, reference] = [reader.u8(), reader.u8()];
  reader.end();
  return {
    kind: 'tim-tp',
    timeOfWeekMs,
    timeOfWeekSubMs,
    quantisationErrorPs,
    week,
    isBaseUtc: bit(flags, 0),
    isUtcAvailable: bit(flags, 1),
    integrityMonitor: bits(flags, 2, 2),
    isQuantisationErrorValid: !bit(flags, 4),
    isPulseLocked: !bit(flags, 5),
    timeReference: bits(reference, 0, 4),
    utcStandard: bits(reference, 4, 4),
  };
}

/** The calendar's own ranges are checked where an instant is made of it (gnss-instant.ts). */
function readDateTime(reader: UbxReader): Omit<UbxUtc, 'nanosecond'> {
  const [year, month, day] = [reader.u16(), reader.u8(), reader.u8()];
  return { year, month, day, hour: reader.u8(), minute: reader.u8(), second: reader.u8() };
}

function readNanosecond(reader: UbxReader): number {
  const nanosecond = reader.i32();
  if (Math.abs(nanosecond) <= 1_000_000_000) return nanosecond;
  throw reader.malformed(`a fraction of ${nanosecond} ns`);
}
