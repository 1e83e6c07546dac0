/** Arbitrary UBX messages of every decoded kind, for property tests. */
import fc from 'fast-check';

import type { DecodedUbx } from '../../src/time/ubx.ts';

/** Plain objects, as the parsers make them. */
function record<T>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

const u8 = fc.integer({ min: 0, max: 0xff });
const i8 = fc.integer({ min: -0x80, max: 0x7f });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const flag = fc.boolean();
const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

const utc = record({
  year: u16,
  month: u8,
  day: u8,
  hour: u8,
  minute: u8,
  second: u8,
  nanosecond: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
});
const radio = {
  jammingState: upTo(3),
  antennaStatus: u8,
  antennaPower: u8,
  noisePerMs: u16,
  gainCount: u16,
  jammingIndicator: u8,
};
const signal = {
  kind: fc.constant('sec-sig' as const),
  isJammingMonitored: flag,
  jammingState: upTo(3),
  isSpoofingMonitored: flag,
  spoofingState: upTo(3),
};
const confirmation = fc.oneof(
  fc.constant({ isDateConfirmed: null, isTimeConfirmed: null }),
  record({ isDateConfirmed: flag, isTimeConfirmed: flag }),
);
const solution = record({
  kind: fc.constant('nav-pvt' as const),
  timeOfWeekMs: u32,
  utc,
  isDateValid: flag,
  isTimeValid: flag,
  isFullyResolved: flag,
  timeAccuracyNs: u32,
  fixType: u8,
  isFixOk: flag,
  satellites: u8,
  isPositionValid: flag,
  latitudeE7: i32,
  longitudeE7: i32,
  heightMm: i32,
  horizontalAccuracyMm: u32,
  isTimeAuthenticated: flag,
});

export const arbitraryUbx: fc.Arbitrary<DecodedUbx> = fc.oneof(
  fc.tuple(solution, confirmation).map(([message, confirmed]) => ({ ...message, ...confirmed })),
  record({
    kind: fc.constant('nav-timeutc' as const),
    timeOfWeekMs: u32,
    utc,
    timeAccuracyNs: u32,
    isTimeOfWeekValid: flag,
    isWeekValid: flag,
    isUtcValid: flag,
    isTimeAuthenticated: flag,
    utcStandard: upTo(15),
  }),
  record({
    kind: fc.constant('nav-timels' as const),
    timeOfWeekMs: u32,
    currentSource: u8,
    currentLeapSeconds: i8,
    changeSource: u8,
    change: i8,
    timeToEventSeconds: i32,
    eventGpsWeek: u16,
    eventGpsDay: u16,
    isCurrentValid: flag,
    isEventValid: flag,
  }),
  record({
    kind: fc.constant('nav-status' as const),
    timeOfWeekMs: u32,
    fixType: u8,
    isFixOk: flag,
    isWeekSet: flag,
    isTimeOfWeekSet: flag,
    spoofingState: upTo(3),
    upSinceMs: u32,
  }),
  record({
    kind: fc.constant('tim-tp' as const),
    timeOfWeekMs: u32,
    timeOfWeekSubMs: u32,
    quantisationErrorPs: i32,
    week: u16,
    isBaseUtc: flag,
    isUtcAvailable: flag,
    integrityMonitor: upTo(3),
    isQuantisationErrorValid: flag,
    isPulseLocked: flag,
    timeReference: upTo(15),
    utcStandard: upTo(15),
  }),
  record({ kind: fc.constant('mon-hw' as const), ...radio }),
  record({
    kind: fc.constant('mon-rf' as const),
    blocks: fc.array(record({ blockId: u8, ...radio }), { maxLength: 16 }),
  }),
  record({ ...signal, version: fc.constant(1 as const), frequencies: fc.constant([]) }),
  record({
    ...signal,
    version: fc.constant(2 as const),
    frequencies: fc.array(record({ centreKhz: upTo(0xff_ffff), isJammed: flag }), {
      maxLength: 64,
    }),
  }),
  fc.constantFrom(1 as const, 2 as const).chain((version) =>
    record({
      kind: fc.constant('sec-uniqid' as const),
      version: fc.constant(version),
      uniqueId: fc.uint8Array({ minLength: version + 4, maxLength: version + 4 }),
    }),
  ),
);
